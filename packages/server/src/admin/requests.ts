import * as z from 'zod'
import type { Json } from '../world.ts'

const jid = z.string().min(1).max(3071)
const password = z.string().max(1024)
const role = z.string().max(64)

/** What can be asked over the control socket: one of these in one line of JSON. */
export const requestSchema = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('user add'), jid, password }),
  z.strictObject({ command: z.literal('user passwd'), jid, password }),
  z.strictObject({ command: z.literal('user remove'), jid }),
  z.strictObject({ command: z.literal('user disable'), jid }),
  z.strictObject({ command: z.literal('user enable'), jid }),
  z.strictObject({ command: z.literal('user role'), jid, role: role.optional() }),
  z.strictObject({ command: z.literal('user devices'), jid }),
  z.strictObject({ command: z.literal('user sign-out'), jid, device: z.string().max(64).optional() }),
  z.strictObject({ command: z.literal('user list'), host: z.string().optional() }),
  z.strictObject({ command: z.literal('audit'), host: z.string().optional() }),
  z.strictObject({
    command: z.literal('audit conversations'),
    host: z.string().optional(),
    participants: z.array(jid).max(8),
    start: z.number().optional(),
    end: z.number().optional(),
    text: z.string().min(1).max(1000).optional(),
  }),
  z.strictObject({
    command: z.literal('invite'),
    host: z.string().optional(),
    account: z.string().max(1023).optional(),
    expires: z.number().min(1).optional(),
    uses: z.int().min(1).max(10_000).optional(),
    isReset: z.boolean().optional(),
    role: role.optional(),
  }),
  z.strictObject({ command: z.literal('invite list'), host: z.string().optional() }),
  z.strictObject({ command: z.literal('invite revoke'), id: z.string().max(100) }),
  z.strictObject({
    command: z.literal('token add'),
    host: z.string().optional(),
    name: z.string().regex(/^[\w.-]{1,64}$/, { error: 'expected 1 to 64 letters, digits, _, - and dots' }),
    scopes: z.array(z.string().max(64)).min(1).max(100),
    expires: z.number().min(1).optional(),
  }),
  z.strictObject({ command: z.literal('token list'), host: z.string().optional() }),
  z.strictObject({ command: z.literal('token revoke'), host: z.string().optional(), name: z.string().max(64) }),
  z.strictObject({ command: z.literal('reload') }),
  z.strictObject({ command: z.literal('status') }),
  z.strictObject({ command: z.literal('stop') }),
])
export type Request = z.output<typeof requestSchema>

/** What is answered: any number of items, each in its line, then an end or an error. */
export type Response = { readonly item: Json } | { readonly end: true } | { readonly error: string }

/** A whole request fits; a longer line is no request. */
export const MAX_LINE_BYTES = 16 * 1024

/** Something that the person at the terminal can mend; the message says in plain words what is wrong and how. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
