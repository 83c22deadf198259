import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'

export const lastActivityNs = 'jabber:iq:last'

/** XEP-0012 §2: since when an account is offline, a client idle, or a server up; all is undefined in a request. */
export interface LastActivity {
  readonly seconds?: number | undefined
  /** What the account said when it left. */
  readonly status?: string | undefined
}

/** `<query/>` of jabber:iq:last. Reading throws a StanzaError bad-request for seconds that are no whole number. */
export const LastActivity: Payload<LastActivity> = {
  name: 'query',
  ns: lastActivityNs,
  read(element) {
    const seconds = element.attr('seconds')
    if (seconds !== undefined && !/^\d+$/.test(seconds))
      throw new StanzaError('bad-request', `${seconds} is not a number of seconds`)
    return { seconds: seconds === undefined ? undefined : Number(seconds), status: element.text || undefined }
  },
  write: ({ seconds, status }) => xml('query', lastActivityNs, { seconds: seconds?.toString() }, status),
}
