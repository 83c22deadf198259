import { type Jid, mucAffiliations, StanzaError } from '@jackdaw/xmpp'
import * as z from 'zod'
import { erased, exported, exportedMessage, exportQuery, logQuery, spanQuery } from '../archive-export.ts'
import { messageContent, messageOf, sendAsScope, sendScope, sentMessage } from '../rest-api/messages.ts'
import { Problem } from '../rest-api/problem.ts'
import { address, bareAddress, paged, pageOf, pageQuery, sortedBehind } from '../rest-api/schemas.ts'
import { checkOwners, checkSize } from './admin.ts'
import type { RoomConfig } from './config-form.ts'
import { announce } from './messages.ts'
import { destroy, reconfigure } from './owner.ts'
import type { MucHost, Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { changeAffiliation, changeRole, checkReservation } from './standing.ts'
import { warn } from './supervisor.ts'

const line = z.string().max(1024)
const roles = z.array(z.enum(['moderator', 'participant', 'visitor'])).max(3)

/** A `RoomConfig`, but for the password. */
const open = z.strictObject({
  name: line,
  description: line,
  language: line,
  pubsub: line.describe('XMPP URI of an associated publish-subscribe node.'),
  isPersistent: z.boolean().describe('Whether it stays when everybody has left.'),
  isPublic: z.boolean().describe('Whether it is found in the list of rooms.'),
  isMembersOnly: z.boolean(),
  isModerated: z.boolean(),
  isLogged: z.boolean().describe('Whether what is said is kept.'),
  maySetSubject: z.boolean().describe('Whether everybody may change the subject.'),
  mayInvite: z.boolean().describe('Whether members may invite others to a room for members only.'),
  whois: z.enum(['moderators', 'anyone']).describe('Who sees real addresses.'),
  privateMessages: z.enum(['anyone', 'participants', 'moderators', 'none']).describe('Who may send them.'),
  broadcasts: roles.describe('Roles of which others see that they are here.'),
  memberListFor: roles.describe('Roles that may read the list of members.'),
  maxUsers: z.int().min(0).describe('0: as many as the service allows.'),
  historyLength: z.int().min(0).describe('Most messages told to who enters.'),
})
const given = open.extend({ password: line.describe("'' for a room without one.") }).partial()
const shown = z.strictObject({
  address: z.string(),
  creator: z.string(),
  occupants: z.int(),
  config: open.extend({ hasPassword: z.boolean() }),
})
const params = z.strictObject({ room: address })
const affiliation = z.enum(mucAffiliations)
const affiliated = z.strictObject({
  address: z.string(),
  affiliation,
  nick: z.string().optional().describe('The nickname that is reserved.'),
  reason: z.string().optional(),
})
const occupantSchema = z.strictObject({
  nick: z.string(),
  role: z.enum(['none', 'visitor', 'participant', 'moderator']),
  affiliation,
  sessions: z.array(z.string()).describe('Their full JIDs.'),
})
const reason = z.string().max(1024).optional()

/** Rooms for administrators: whatever their owners may, and more. */
export function roomEndpoints(host: MucHost, rooms: Rooms, service: Jid): void {
  const { config: limits, random, stores } = host
  const read = { scope: 'rooms:read', params } as const
  const write = { scope: 'rooms:write', params } as const

  host.endpoint({
    method: 'get',
    path: '/rooms',
    scope: 'rooms:read',
    summary: 'List the rooms',
    query: pageQuery,
    answer: {
      status: 200,
      description: 'In the order of their addresses, those that are not public too.',
      schema: pageOf(z.strictObject({ address: z.string(), name: z.string(), isPublic: z.boolean() })),
    },
    async handle({ query }) {
      const { items, ...more } = await paged(
        query,
        (after) => stores.rooms.owners('room', after),
        ([jid]) => jid,
      )
      return {
        items: items.map(([jid, { config }]) => ({ address: jid, name: config.name, isPublic: config.isPublic })),
        ...more,
      }
    },
  })

  host.endpoint({
    method: 'post',
    path: '/rooms',
    scope: 'rooms:write',
    summary: 'Make a room',
    body: z.strictObject({ address, owner: address, config: given.omit({ isPersistent: true }).default({}) }),
    answer: { status: 201, description: 'It is there, and stays when everybody has left.', schema: shown },
    isRepeatable: true,
    async handle({ body: { address: jid, owner, config }, record }) {
      if (jid.domain !== service.domain) throw new Problem(422, `The address of a room is name@${service}`)
      const wanted = fitting(config)
      const found = await rooms.find(jid)
      if (found ?? rooms.here(jid.toString())) throw new Problem(409, `There is a room ${jid} already`)
      const room = rooms.create(jid, owner)
      reconfigure(room, { ...room.config, ...wanted, isPersistent: true })
      room.left()
      record('made the room', jid.toString())
      return shownRoom(room)
    },
  })

  host.endpoint({
    method: 'get',
    path: '/rooms/{room}',
    ...read,
    summary: 'Read a room',
    answer: { status: 200, description: 'The room.', schema: shown },
    handle: async ({ params: { room } }) => shownRoom(await rooms.get(room)),
  })

  host.endpoint({
    method: 'patch',
    path: '/rooms/{room}',
    ...write,
    summary: 'Configure a room',
    body: given,
    answer: { status: 200, description: 'As it is now; what the request does not name has stayed.', schema: shown },
    async handle({ params: { room: jid }, body, record }) {
      const wanted = fitting(body)
      const room = await rooms.get(jid)
      reconfigure(room, { ...room.config, ...wanted })
      record('configured the room', jid.toString())
      const result = shownRoom(room)
      room.left()
      return result
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/rooms/{room}',
    ...write,
    summary: 'Destroy a room',
    query: z.strictObject({ reason }),
    answer: { status: 204, description: 'It is gone, and its archive with it; who was in it has been told.' },
    async handle({ params: { room: jid }, query, record }) {
      destroy(rooms, await rooms.get(jid), query)
      record('destroyed the room', jid.toString())
    },
  })

  host.endpoint({
    method: 'get',
    path: '/rooms/{room}/affiliations',
    ...read,
    summary: 'List the affiliations of a room',
    query: pageQuery.extend({ affiliation: affiliation.exclude(['none']).optional() }),
    answer: { status: 200, description: 'In the order of the addresses.', schema: pageOf(affiliated) },
    async handle({ params: { room: jid }, query: { affiliation: wanted, ...page } }) {
      const { affiliations } = await rooms.get(jid)
      const all = (wanted ? [wanted] : mucAffiliations).flatMap((one) => [...affiliations.list(one)])
      const items = all
        .filter(([, known]) => known.affiliation !== 'none')
        .map(([user, known]) => ({
          address: user.toString(),
          affiliation: known.affiliation,
          ...(known.nick !== undefined && { nick: known.nick }),
          ...(known.reason !== undefined && { reason: known.reason }),
        }))
      return paged(
        page,
        sortedBehind(items, (item) => item.address),
        (item) => item.address,
      )
    },
  })

  host.endpoint({
    method: 'put',
    path: '/rooms/{room}/affiliations/{user}',
    scope: 'rooms:write',
    params: params.extend({ user: bareAddress }),
    summary: 'Give a user an affiliation, or with `none` take it away',
    body: z.strictObject({ affiliation, nick: line.optional(), reason }),
    answer: { status: 204, description: 'It has that affiliation; who must not be in the room any more is out.' },
    async handle({ params: { room: jid, user }, body, record }) {
      const room = await rooms.get(jid)
      const items = [{ jid: user, ...body }]
      if (body.nick !== undefined) checkReservation(room, user, body.nick)
      checkOwners(room, items)
      checkSize(room, items)
      changeAffiliation(room, user, body.affiliation, { nick: body.nick, reason: body.reason })
      record(`made ${user} ${body.affiliation} of`, jid.toString())
    },
  })

  host.endpoint({
    method: 'get',
    path: '/rooms/{room}/occupants',
    ...read,
    summary: 'List who is in a room',
    query: pageQuery,
    answer: { status: 200, description: 'In the order of the nicknames.', schema: pageOf(occupantSchema) },
    async handle({ params: { room: jid }, query }) {
      const room = await rooms.get(jid)
      const { items, ...more } = await paged(
        query,
        sortedBehind([...room.occupants], ({ nick }) => nick),
        ({ nick }) => nick,
      )
      const listed = items.map(({ nick, role, account, sessions }) => ({
        nick,
        role,
        affiliation: room.affiliations.of(account),
        sessions: [...sessions.keys()],
      }))
      return { items: listed, ...more }
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/rooms/{room}/occupants/{nick}',
    scope: 'rooms:write',
    params: params.extend({ nick: z.string().min(1).max(1023) }),
    summary: 'Kick an occupant',
    query: z.strictObject({ reason }),
    answer: { status: 204, description: 'It is out, and may enter again.' },
    async handle({ params: { room: jid, nick }, query, record }) {
      const room = await rooms.get(jid)
      const occupant = room.occupants.withNick(nick)
      if (occupant?.nick !== nick) throw new StanzaError('item-not-found', 'Nobody here has that nickname')
      changeRole(room, occupant, 'none', query)
      record(`kicked ${occupant.account} out of`, jid.toString())
    },
  })

  host.endpoint({
    method: 'post',
    path: '/rooms/{room}/messages',
    scope: sendScope,
    moreScopes: [sendAsScope],
    params,
    summary: 'Say something in a room, in its own name or as an account that is in it',
    body: messageContent,
    answer: { status: 201, description: 'It is said and, where the room is logged, kept.', schema: sentMessage },
    isRepeatable: true,
    async handle({ params: { room: jid }, body: { from, ...content }, demand, record }) {
      if (from) demand(sendAsScope)
      const room = await rooms.get(jid)
      const notice = from ? undefined : await room.archives.supervisor?.notice(room.jid)
      const [occupant] = from ? room.occupants.ofAccount(from) : []
      // A token is for the accounts of its own host.
      if (from && !(occupant && from.domain === host.domain.domain))
        throw new Problem(409, `${from} is not in the room`)
      const sender = occupant?.shown.jid ?? jid
      const stanza = messageOf(content, { from: sender, to: jid, type: 'groupchat' }, random)
      if (occupant) await host.submit(stanza)
      else {
        if (notice !== undefined) warn(room, notice)
        announce(room, stanza)
      }
      record(from ? `sent a message of ${from} to` : 'sent a message to', jid.toString())
      return { id: stanza.id! }
    },
  })

  host.endpoint({
    method: 'get',
    path: '/rooms/{room}/archive',
    scope: 'archive:read',
    params,
    summary: 'Export the archive of a room',
    query: exportQuery,
    answer: {
      status: 200,
      description: 'A message a line, the oldest first.',
      schema: exportedMessage,
      type: 'application/x-ndjson',
    },
    async handle({ params: { room: jid }, query, signal, record }) {
      const { archives } = await rooms.get(jid)
      const response = await exported(archives.log, jid.toString(), logQuery(query), signal)
      record('exported the archive of', jid.toString())
      return response
    },
  })

  host.endpoint({
    method: 'delete',
    path: '/rooms/{room}/archive',
    scope: 'archive:erase',
    params,
    summary: 'Erase the archive of a room, or its beginning',
    query: spanQuery.pick({ end: true }),
    answer: { status: 200, description: 'All up to then is gone.', schema: erased },
    async handle({ params: { room: jid }, query: { end = host.clock.now() }, record }) {
      const { archives } = await rooms.get(jid)
      const count = await archives.trim(jid.toString(), { end })
      record('erased from the archive of', jid.toString())
      return { erased: count }
    },
  })

  /** @throws Problem */
  function fitting(config: z.output<typeof given>): Partial<RoomConfig> {
    if ((config.maxUsers ?? 0) > limits.occupants)
      throw new Problem(422, `A room has ${limits.occupants} occupants at most`)
    const { historyLength } = config
    const known = Object.entries(config).filter(([, value]) => value !== undefined)
    return {
      ...Object.fromEntries(known),
      ...(historyLength !== undefined && { historyLength: Math.min(historyLength, limits.history) }),
    }
  }
}

function shownRoom({ jid, creator, occupants, config: { password, ...rest } }: Room) {
  return {
    address: jid.toString(),
    creator,
    occupants: occupants.size,
    config: { ...rest, hasPassword: password !== '' },
  }
}
