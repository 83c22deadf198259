import { Jid, JidError } from '@jackdaw/xmpp'
import * as z from 'zod'
import type { Endpoint } from '../transport/network.ts'

const milliseconds: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const bytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
/** The longest that a Node timer runs, about 24 days. */
const LONGEST_TIMER = 2 ** 31 - 1

export interface Bounds {
  /** Written like the value: '1 s'. */
  readonly min?: string
  readonly max?: string
}

/** A time: '10 min', '30 s' or a number of seconds; gives milliseconds. */
export function duration(bounds: Bounds = {}) {
  return quantity('time', "a time such as '30 s', '10 min', '2 h', or a number of seconds", milliseconds, 1000, {
    min: bounds.min ?? '0 s',
    max: bounds.max ?? `${LONGEST_TIMER} ms`,
  })
}

/** A size: '256 KiB', '4 MiB' or a number of bytes; gives bytes. */
export function size(bounds: Bounds = {}) {
  return quantity('size', "a size such as '256 KiB', '4 MiB', or a number of bytes", bytes, 1, {
    min: bounds.min ?? '0 B',
    max: bounds.max ?? '1024 GiB',
  })
}

function quantity(
  title: string,
  expected: string,
  units: Readonly<Record<string, number>>,
  plain: number,
  { min, max }: Required<Bounds>,
) {
  const least = amount(min, units)!
  const most = amount(max, units)!
  const schema = z
    .union([z.number(), z.string()], { error: `expected ${expected}` })
    .transform((value, context): number => {
      const result = typeof value === 'number' ? Math.round(value * plain) : amount(value, units)
      if (result === undefined) context.issues.push({ code: 'custom', input: value, message: `expected ${expected}` })
      else if (result < least)
        context.issues.push({ code: 'custom', input: value, message: `expected at least ${min}` })
      else if (result > most) context.issues.push({ code: 'custom', input: value, message: `expected at most ${max}` })
      return result ?? 0
    })
  return schema.meta({ title })
}

function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) *([A-Za-z]+)$/.exec(text.trim()) ?? []
  if (number === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined
  return Math.round(Number(number) * units[unit]!)
}

const ENDPOINT = 'expected a port from 0 to 65535, { port, address }, or false'
const port = z.int({ error: ENDPOINT }).min(0, { error: ENDPOINT }).max(65_535, { error: ENDPOINT })

/** The label that a module puts before its host's domain for a domain which it serves: 'rooms' of rooms.example.org. */
export function subdomain(name: string) {
  return z
    .string()
    .refine((label) => !label.includes('.') && domainOf(`${label}.test`) === `${label}.test`, {
      error: "expected one label of a domain, such as 'rooms'",
    })
    .default(name)
    .meta({ isSubdomain: true })
    .describe("Where it is found: this label before the host's domain.")
}

/** Where HTTPS is served: 'https://', a name and perhaps a port. */
export function httpsOrigin() {
  return z.string().refine(
    (text) => {
      const url = URL.parse(text)
      return url?.protocol === 'https:' && url.href === `${url.origin}/` && url.hostname !== ''
    },
    { error: "expected 'https://', a name and, unless it is 443, a port, such as 'https://chat.example.org'" },
  )
}

/** A port number, `{ port, address }`, or false for none; at all addresses of this machine unless told otherwise. */
export function endpoint(address = '::') {
  return z
    .union([z.literal(false), port, z.strictObject({ port, address: z.string().min(1).default(address) })], {
      error: ENDPOINT,
    })
    .transform((value): Endpoint | false => (typeof value === 'number' ? { port: value, address } : value))
    .meta({ title: 'endpoint' })
}

/** The canonical form of a domain (RFC 7622 §3.2); undefined for what is none. */
export function domainOf(text: string): string | undefined {
  try {
    return Jid.of({ domain: text }).toString()
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}

/** The address of an account, name@domain; gives it prepared as RFC 7622 says. */
export function accountAddress() {
  return z.string().transform((text, context): string => {
    try {
      const jid = Jid.parse(text)
      if (jid.local !== undefined && jid.isBare) return jid.toString()
    } catch (error) {
      if (!(error instanceof JidError)) throw error
    }
    context.issues.push({ code: 'custom', input: text, message: `expected an address name@domain, not "${text}"` })
    return text
  })
}
