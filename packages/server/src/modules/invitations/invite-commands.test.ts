import { type Actor, scenario } from '@jackdaw/testkit'
import { Command, fieldValues, formatDateTime, formType, Jid, parse, Stanza } from '@jackdaw/xmpp'
import { expect, onTestFinished, test } from 'vitest'

const secret = 'what man art thou'
const node = 'urn:xmpp:invite'

async function opened(fields: true | { perUser: number } = true) {
  const s = await scenario({
    accounts: { romeo: ['phone'], 'paris@away.test': ['horse'] },
    config: { hosts: { 'home.test': { anonymous: false, modules: { 'invite-commands': fields as never } } } },
  })
  onTestFinished(() => s.stop())
  return s
}

async function execute(client: Actor, which: string, form = ''): Promise<Command> {
  const command = `<command xmlns='http://jabber.org/protocol/commands' node='${node}#${which}'>${form}</command>`
  const answer = await client.asks(`<iq type='set' to='home.test'>${command}</iq>`)
  return Command.read(answer.first()!)
}

const username = (name: string) =>
  `<x xmlns='jabber:x:data' type='submit'><field var='username'><value>${name}</value></field></x>`

/** Registers with the token of a URI (XEP-0445). */
async function register(s: Awaited<ReturnType<typeof opened>>, uri: string, name: string): Promise<string[]> {
  const client = s.client('stranger')
  await client.open()
  const token = /preauth=(\w+)/.exec(uri)![1]
  const types: string[] = []
  for (const content of [
    `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`,
    `<query xmlns='jabber:iq:register'><username>${name}</username><password>${secret}</password></query>`,
  ]) {
    client.send(parse(`<iq xmlns='jabber:client' type='set' id='r'>${content}</iq>`))
    types.push(Stanza.from(await client.next()).type!)
  }
  return types
}

test('XEP-0401 §3: the commands are in the list of those who may use them', async () => {
  const s = await opened()
  const query = `<iq type='get' to='home.test'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`
  const nodes = async (client: Actor) =>
    (await client.asks(query))
      .first()!
      .elements()
      .map((item) => item.attr('node')!)
      .filter((one) => one.startsWith(node))
  expect(await nodes(s.phone)).toEqual([`${node}#invite`, `${node}#create-account`])
  expect(await nodes(s.horse)).toEqual([])
  await expect(execute(s.horse, 'invite')).rejects.toMatchObject({ condition: 'forbidden' })
})

test('XEP-0401 §5.1: an invitation is made at once; who comes is a contact', async () => {
  const s = await opened()
  const { status, form } = await execute(s.phone, 'invite')
  expect([status, formType(form!)]).toEqual(['completed', `${node}#invitation`])
  const [uri] = fieldValues(form!, 'uri')!
  expect(uri).toMatch(/^xmpp:romeo@home\.test\?roster;preauth=[a-z2-9]{27};ibr=y$/)
  expect(fieldValues(form!, 'expire')).toEqual([formatDateTime(s.clock.now() + 604_800_000)])
  // No HTTPS is served here.
  expect(fieldValues(form!, 'landing-url')).toBeUndefined()
  expect(await register(s, uri!, 'juliet')).toEqual(['result', 'result'])
  const roster = await s.phone.asks("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>")
  expect(roster.first()!.first()!.attr('jid')).toBe('juliet@home.test')
})

test('XEP-0401 §5.4: an account is reserved under the name that is asked for', async () => {
  const s = await opened()
  const asked = await execute(s.phone, 'create-account')
  expect([asked.status, asked.form!.fields![0]]).toEqual([
    'executing',
    expect.objectContaining({ var: 'username', isRequired: true }),
  ])
  const { form } = await execute(s.phone, 'create-account', username('Juliet'))
  const [uri] = fieldValues(form!, 'uri')!
  expect(uri).toMatch(/^xmpp:juliet@home\.test\?register;preauth=[a-z2-9]{27}$/)
  for (const [name, condition] of [
    ['juliet', 'conflict'],
    ['romeo', 'conflict'],
    ['a b', 'not-acceptable'],
    ['', 'bad-request'],
  ] as const)
    await expect(execute(s.phone, 'create-account', username(name)), name).rejects.toMatchObject({ condition })
  expect(await register(s, uri!, 'nurse')).toEqual(['result', 'error'])
  expect(await register(s, uri!, 'juliet')).toEqual(['result', 'result'])
  expect(await s.server.hosts.get('home.test')!.accounts.exists(Jid.parse('juliet@home.test'))).toBe(true)
})

test('open invitations of one user are limited; one that is used makes room', async () => {
  const s = await opened({ perUser: 1 })
  const { form } = await execute(s.phone, 'invite')
  await expect(execute(s.phone, 'invite')).rejects.toMatchObject({ condition: 'resource-constraint' })
  await register(s, fieldValues(form!, 'uri')![0]!, 'juliet')
  expect((await execute(s.phone, 'invite')).status).toBe('completed')
})
