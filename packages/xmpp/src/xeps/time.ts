import { StanzaError } from '../errors.ts'
import { xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'

export const timeNs = 'urn:xmpp:time'

/** XEP-0202 §3: what the clock of an entity shows; all is undefined in a request. */
export interface EntityTime {
  /** Milliseconds since the Unix epoch. */
  readonly utc?: number | undefined
  /** How far its time zone is ahead of UTC, minutes. */
  readonly offset?: number | undefined
}

/** `<time/>`. Reading throws a StanzaError bad-request for what is not of XEP-0082. */
export const EntityTime: Payload<EntityTime> = {
  name: 'time',
  ns: timeNs,
  read(element) {
    const utc = element.child('utc')?.text
    const tzo = element.child('tzo')?.text
    return {
      utc: utc === undefined ? undefined : parseDateTime(utc),
      offset: tzo === undefined ? undefined : parseOffset(tzo),
    }
  },
  write({ utc, offset }) {
    return xml(
      'time',
      timeNs,
      {},
      offset === undefined ? undefined : xml('tzo', timeNs, {}, formatOffset(offset)),
      utc === undefined ? undefined : xml('utc', timeNs, {}, formatDateTime(utc)),
    )
  },
}

/** XEP-0082 §3: `-06:00` */
function formatOffset(minutes: number): string {
  const size = Math.abs(minutes)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

function parseOffset(text: string): number {
  if (text === 'Z') return 0
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(text) ?? []
  if (sign === undefined) throw new StanzaError('bad-request', `${text} is not a XEP-0082 time zone`)
  const size = Number(hours) * 60 + Number(minutes)
  return sign === '-' ? -size : size
}
