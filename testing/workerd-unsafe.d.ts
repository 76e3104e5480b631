declare module 'workerd:unsafe' {
  const unsafe: {
    evict(stub: DurableObjectStub, options: { readonly webSockets: 'close' | 'hibernate' }): Promise<void>
  }
  export default unsafe
}
