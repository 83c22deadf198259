import { type Field, type Form, formTypeField } from './forms.ts'

/** No XEP says how a host tells that it keeps what its users say, so this is Jackdaw's own; docs/own-extensions.md describes it. */
export const supervisionNs = 'urn:jackdaw:supervision:0'

/** What a host keeps of conversations, whatever those who hold them want. */
export interface Supervision {
  /** Whose conversations. */
  readonly accounts: 'all' | 'some' | 'none'
  /** Whether what is said in its rooms, too. */
  readonly rooms: boolean
  /** How long, milliseconds. */
  readonly keep: number
  /** For human readers. */
  readonly notice: string
}

/** What stands in a host's answer to disco#info (XEP-0128). */
export function supervisionForm({ accounts, rooms, keep, notice }: Supervision): Form {
  const field = (name: string, value: string): Field => ({ var: name, values: [value] })
  return {
    type: 'result',
    fields: [
      formTypeField(supervisionNs),
      field('accounts', accounts),
      { ...field('rooms', rooms ? '1' : '0'), type: 'boolean' },
      field('keep', String(Math.round(keep / 1000))),
      field('notice', notice),
    ],
  }
}

/** Stands in the description of a room (XEP-0045 §6.4) in which all is kept for so many milliseconds; told in seconds. */
export function supervisedRoomField(keep: number): Field {
  return { var: `{${supervisionNs}}keep`, values: [String(Math.round(keep / 1000))] }
}
