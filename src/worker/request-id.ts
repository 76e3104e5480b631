// What ties a log line to the answer of its request.

/** Cloudflare's own, `8f3c…-FRA`; whatever else comes in its place is not repeated. */
const RAY = /^[\w-]{1,64}$/

/** The id that every answer carries as `x-request-id` and every line about the request repeats: Cloudflare's, or one of chance. */
export function requestIdOf(headers: Headers): string {
  const ray = headers.get('cf-ray')
  return ray !== null && RAY.test(ray) ? ray : crypto.randomUUID()
}
