// Whether a request is to become a WebSocket. What the runtime would refuse is refused before: of a socket it did not
// open, it never says that it is gone.

/** Where a Worker calls there is no handshake, only the wish. */
export function asksForSocket(headers: Headers): boolean {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return false
  const version = headers.get('sec-websocket-version')
  return version === null ? !headers.has('sec-websocket-key') : version === '13' && headers.has('sec-websocket-key')
}
