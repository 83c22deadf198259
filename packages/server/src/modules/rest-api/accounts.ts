import { type Jid, StanzaError, StreamError } from '@jackdaw/xmpp'
import * as z from 'zod'
import type { Host, Target } from '../../module.ts'
import { Problem } from './problem.ts'
import { address, paged, pageOf, pageQuery, shownTime, time } from './schemas.ts'

const account = z.strictObject({ address: z.string() })
const session = z.strictObject({
  resource: z.string(),
  isAvailable: z.boolean(),
  priority: z.int(),
  isDetached: z.boolean().describe('Whether its connection is broken and it waits to be resumed.'),
  lastActive: time.describe('When it last sent something.'),
})
const params = z.strictObject({ account: address })
const password = z.string().min(1).max(1024)

/** Accounts and their sessions. */
export function accountEndpoints(host: Host): void {
  const { accounts } = host

  async function check(jid: Jid): Promise<void> {
    if (!(await accounts.isHere(jid))) throw new StanzaError('item-not-found', `There is no account ${jid}`)
  }

  host.endpoint({
    method: 'get',
    path: '/accounts',
    scope: 'accounts:read',
    summary: 'List the accounts',
    query: pageQuery,
    answer: { status: 200, description: 'In the order of their addresses.', schema: pageOf(account) },
    async handle({ query }) {
      const { items, ...more } = await paged(query, (after) => accounts.list(after), String)
      return { items: items.map((name) => ({ address: name })), ...more }
    },
  })

  host.endpoint({
    method: 'post',
    path: '/accounts',
    scope: 'accounts:write',
    summary: 'Make an account',
    body: z.strictObject({ address, password }),
    answer: { status: 201, description: 'It can log in now.', schema: account },
    async handle({ body, record }) {
      const name = body.address.toString()
      accounts.checkPassword(body.address, body.password)
      await accounts.create(body.address, body.password, () => record('made an account', name))
      return { address: name }
    },
  })

  host.endpoint({
    method: 'get',
    path: '/accounts/{account}',
    scope: 'accounts:read',
    summary: 'Read an account',
    params,
    answer: {
      status: 200,
      description: 'The account.',
      schema: account.extend({ sessions: z.int().describe('How many it has now.') }),
    },
    async handle({ params: { account: jid } }) {
      await check(jid)
      return { address: jid.toString(), sessions: [...host.sessions(jid)].length }
    },
  })

  host.endpoint({
    method: 'put',
    path: '/accounts/{account}/password',
    scope: 'accounts:write',
    summary: 'Set the password of an account',
    params,
    body: z.strictObject({ password }),
    answer: { status: 204, description: 'It is set; tokens of its devices (XEP-0484) are good no more.' },
    async handle({ params: { account: jid }, body, record }) {
      await check(jid)
      accounts.checkPassword(jid, body.password)
      await accounts.setPassword(jid, body.password, () => record('set the password of', jid.toString()))
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/accounts/{account}',
    scope: 'accounts:write',
    summary: 'Remove an account, and all that is kept for it',
    params,
    answer: { status: 204, description: 'It is gone.' },
    async handle({ params: { account: jid }, record }) {
      await check(jid)
      await accounts.remove(jid)
      record('removed an account', jid.toString())
    },
  })

  host.endpoint({
    method: 'get',
    path: '/accounts/{account}/sessions',
    scope: 'sessions:read',
    summary: 'List the sessions of an account',
    params,
    answer: { status: 200, description: 'All of them.', schema: z.strictObject({ items: z.array(session) }) },
    async handle({ params: { account: jid } }) {
      await check(jid)
      return { items: [...host.sessions(jid)].map(shownSession) }
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/accounts/{account}/sessions',
    scope: 'sessions:write',
    summary: 'End all sessions of an account',
    params,
    answer: { status: 204, description: 'It has none now.' },
    async handle({ params: { account: jid }, record }) {
      await check(jid)
      for (const one of [...host.sessions(jid)]) end(one, record)
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/accounts/{account}/sessions/{resource}',
    scope: 'sessions:write',
    summary: 'End a session',
    params: params.extend({ resource: z.string().min(1).max(1023) }),
    answer: { status: 204, description: 'It has ended.' },
    async handle({ params: { account: jid, resource }, record }) {
      await check(jid)
      const found = [...host.sessions(jid)].find((one) => one.jid.resource === resource)
      if (!found) throw new Problem(404, 'There is no such session')
      end(found, record)
    },
  })
}

function shownSession({ jid, isAvailable, priority, isDetached, lastActive }: Target) {
  return { resource: jid.resource!, isAvailable, priority, isDetached, lastActive: shownTime(lastActive) }
}

function end(target: Target, record: (did: string, to: string) => void): void {
  target.end(new StreamError('policy-violation', 'An administrator has ended this session'))
  record('ended the session', target.jid.toString())
}
