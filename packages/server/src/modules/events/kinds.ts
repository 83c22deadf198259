import * as z from 'zod'
import type { LogEntry } from '../../storage/storage.ts'
import type { Json } from '../../world.ts'

const account = z.string().describe('Bare JID of the account.')
const jid = z.string().describe('Full JID of the session.')
const room = z.string().describe('Bare JID of the room.')
const user = z.string().describe('Bare JID of the user.')
const nick = z.string().describe('Its nickname.')
const content = {
  body: z.string().optional().describe('The text for people; where `content` is on.'),
  stanza: z.string().optional().describe('The whole message as XML, unless it is very long; where `content` is on.'),
}

/** What happens, and what is told of it. */
export const kinds = {
  'account.created': z.strictObject({ account }),
  'account.removed': z.strictObject({ account }),
  'account.password_changed': z.strictObject({ account }),
  'session.begun': z.strictObject({ jid }),
  'session.ended': z.strictObject({ jid }),
  'message.kept': z.strictObject({
    account: z.string().describe('Bare JID of the account whose archive keeps it: of two of this host, each does.'),
    with: z.string().describe('Bare JID of the other side.'),
    direction: z.enum(['sent', 'received']),
    id: z.string().describe('In that archive.'),
    type: z.string().describe('`chat`, `normal` …'),
    ...content,
  }),
  'message.kept_in_room': z.strictObject({
    room,
    author: z.string().describe('Bare JID of who said it.'),
    nick,
    id: z.string().describe("In the room's archive."),
    ...content,
  }),
  'room.created': z.strictObject({ room, by: user }),
  'room.destroyed': z.strictObject({ room }),
  'room.entered': z.strictObject({ room, user, nick }),
  'room.left': z.strictObject({ room, user, nick }),
  'file.uploaded': z.strictObject({
    account,
    name: z.string().describe('Of the file.'),
    size: z.int().describe('Bytes.'),
    type: z.string().describe('Media type.'),
    id: z.string().optional().describe('With it and the name it can be fetched; where `content` is on.'),
  }),
  'invitation.used': z.strictObject({
    id: z.string().describe('As `jackdaw invite list` shows it.'),
    account: z.string().describe('Bare JID of who used it.'),
    purpose: z.enum(['account', 'password', 'contact']).describe('What for.'),
    inviter: z.string().optional().describe('Bare JID of who invited, unless it was the operator.'),
  }),
  'report.made': z.strictObject({
    account: z.string().describe('Bare JID of who reports.'),
    reported: z.string().describe('JID of who is reported.'),
    reason: z.string().describe('The URN of XEP-0377.'),
    words: z.string().describe('What the user wrote; may be empty.'),
  }),
  'administration.acted': z.strictObject({
    by: z.string().describe('Who did it, or what it was done with.'),
    did: z.string().describe('In words.'),
    to: z.string().optional().describe('To whom or what.'),
  }),
} as const

export type Kind = keyof typeof kinds
export type DataOf<K extends Kind> = z.output<(typeof kinds)[K]>
export const kindNames = Object.keys(kinds) as readonly Kind[]
/** What stands before the full stop: `room` is all that happens to rooms. */
export const groups = [...new Set(kindNames.map((name) => name.split('.', 1)[0]!))]

/** Names of kinds or groups. */
export const kindSchema = z.enum([...groups, ...kindNames])

export function kindsOf(names: readonly string[]): ReadonlySet<Kind> {
  return new Set(kindNames.filter((kind) => names.includes(kind) || names.includes(kind.split('.', 1)[0]!)))
}

/** An event as the log keeps it. */
export type KeptEvent = { readonly type: Kind; readonly data: { readonly [name: string]: Json } }

/** As it is told, in JSON. */
export const eventSchema = z.strictObject({
  id: z.string().describe('Unique; of two events of a host the later one has the greater id.'),
  type: z.enum(kindNames),
  timestamp: z.iso.datetime().describe('When it happened.'),
  host: z.string().describe('The virtual host where it happened.'),
  data: z.union(Object.values(kinds)),
})

export function told(host: string, { id, at, value: { type, data } }: LogEntry<KeptEvent>): string {
  return JSON.stringify({ id, type, timestamp: new Date(at).toISOString(), host, data })
}
