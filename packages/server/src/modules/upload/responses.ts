/** XEP-0363 §8: pages of any origin may put and get; there is nothing here that a browser knows of its user. */
const anyOrigin = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Range, Content-Disposition, ETag',
}
/** XEP-0363 §9.1: what users upload is never a page of ours, whatever it says. */
const isolation = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
}
export const always = { ...anyOrigin, ...isolation }

const methods = 'OPTIONS, HEAD, GET, PUT, DELETE'

const words: Readonly<Record<number, string>> = {
  201: 'The file is there',
  400: 'These are fewer bytes than were asked for',
  404: 'There is nothing here',
  405: `Only ${methods} are answered here`,
  408: 'Too little came for too long',
  409: 'This file is there or on its way already: each wants a slot of its own',
  410: 'The time for this file is over: ask for another slot',
  411: 'The length must be told',
  413: 'These are more bytes than were asked for',
  415: 'This is not the type that was asked for',
  416: 'The file has no such part',
  503: 'The upload was given up',
  507: 'There is no room for this file',
}

/** An answer without a file. */
export function reply(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${words[status]}.\n`, {
    status,
    headers: { ...always, 'cache-control': 'no-store', 'content-type': 'text/plain', ...headers },
  })
}

export function notAllowed(): Response {
  return reply(405, { allow: methods })
}

/** The answer to a browser that asks what a page may do. */
export function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...always,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': 'Authorization, Content-Type, Range, If-Range',
      'access-control-max-age': '7200',
    },
  })
}
