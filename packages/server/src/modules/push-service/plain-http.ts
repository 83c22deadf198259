import { createHmac } from 'node:crypto'
import type { Clock } from '../../world.ts'
import { type Address, type Deliverer, outcomeOf } from './deliverer.ts'
import { ForbiddenAddressError, type Outbound } from '../../outbound/outbound.ts'

const longestUrl = 2048

/** POSTs the payload to a URL that the user gives, signed with the secret of the registration. */
export function plainHttp(outbound: Outbound, clock: Clock, mayReach: (address: string) => boolean): Deliverer {
  return {
    kind: 'http',
    fields: ['url'],
    check: ({ url }) => checkUrl(url, ['https:', 'http:']),
    deliver: ({ url }, { id, payload, ttl, secret }) =>
      reaching(async () => {
        const signature = createHmac('sha256', secret).update(payload).digest('hex')
        const headers = {
          'content-type': 'application/json',
          'x-delivery': id,
          'x-signature-256': `sha256=${signature}`,
          ttl: String(ttl),
        }
        return outcomeOf(await outbound({ url: new URL(url!), headers, body: payload, mayReach }, clock))
      }),
  }
}

/** What is wrong with a URL that a user gives. */
export function checkUrl(text: Address[string] | undefined, protocols: readonly string[]): string | undefined {
  const url = text !== undefined && text.length <= longestUrl ? URL.parse(text) : undefined
  if (!url || !protocols.includes(url.protocol))
    return `The address is no URL that begins with ${protocols.join(' or ')}`
  if (url.username !== '' || url.password !== '') return 'The URL must not have a user name or password'
  return undefined
}

/** An endpoint at an address that is forbidden will never be one. */
export async function reaching<T>(act: () => Promise<T>) {
  try {
    return await act()
  } catch (error) {
    if (error instanceof ForbiddenAddressError)
      return { is: 'gone', reason: 'The endpoint has no public address' } as const
    throw error
  }
}
