import { supervision } from '../modules/supervision/supervision.ts'
import type { Sought } from '../modules/supervision/conversations.ts'
import type { Json } from '../world.ts'
import type { CommandHost } from './commands.ts'
import { CommandError } from './requests.ts'
import type { Request } from './requests.ts'

export type ConversationsRequest = Extract<Request, { command: 'audit conversations' }>

/** What was said on supervised hosts. Before anything is shown, it is kept in their audit logs that it was read. @throws {CommandError} */
export async function* readConversations(
  { participants, start, end, text }: ConversationsRequest,
  hosts: Iterable<readonly [domain: string, host: CommandHost]>,
  kept: () => Promise<void>,
): AsyncGenerator<Json> {
  const sought: Sought = {
    participants,
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
    ...(text !== undefined && { text }),
  }
  const supervised = [...hosts].flatMap(([domain, { modules, audit }]) => {
    const api = modules.api(supervision)
    return api ? [{ domain, audit, api }] : []
  })
  if (supervised.length === 0)
    throw new CommandError('nothing is supervised there: the module supervision is not switched on')
  for (const { audit } of supervised)
    audit.record({ by: 'command line', did: 'read conversations', to: described(sought) })
  await kept()
  for (const { api } of supervised) yield* api.read(sought)
}

function described({ participants, start, end, text }: Sought): string {
  const time = (at: number) => new Date(at).toISOString()
  const parts = [
    ...participants.map((one) => `with ${one}`),
    ...(start === undefined ? [] : [`from ${time(start)}`]),
    ...(end === undefined ? [] : [`to ${time(end)}`]),
    ...(text === undefined ? [] : [`text ${JSON.stringify(text)}`]),
  ]
  return parts.length === 0 ? 'all' : parts.join(' ')
}
