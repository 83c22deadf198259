import {
  ChannelSearch,
  Command,
  DiscoInfo,
  DiscoItems,
  Form,
  formType,
  fullTextField,
  type Iq,
  Jid,
  MamFin,
  mamFields,
  MamForm,
  MamMetadata,
  MamQuery,
  type Message,
  messageType,
  Moderation,
  MucAdmin,
  MucEntry,
  mucNs,
  MucOwner,
  mucRequestForm,
  MucUser,
  type Payload,
  Ping,
  type Presence,
  StanzaError,
  VCard,
} from '@jackdaw/xmpp'
import { defineModule, type IqRequest } from '../../module.ts'
import type { LogQuery } from '../../storage/storage.ts'
import { when } from '../../when.ts'
import type { Awaitable } from '../../world.ts'
import { archive } from '../archive.ts'
import { archiveRetention } from '../archive-retention.ts'
import { extentOf } from '../archive-search.ts'
import { presence as presenceModule } from '../presence/presence.ts'
import { perform } from '../commands/ad-hoc.ts'
import { change, list } from './admin.ts'
import { checkReader, readArchive } from './archive.ts'
import { RoomArchives } from './archives.ts'
import { type Audience, audienceOf } from './audience.ts'
import { getVcard, setVcard } from './avatar.ts'
import { ChannelSearches } from './channel-search.ts'
import { forgetAccount, mayCreate } from './creation.ts'
import { roomInfo, roomItems, serviceInfo } from './disco.ts'
import { roomEndpoints } from './endpoints.ts'
import { enter, reenter } from './entry.ts'
import { mucFields, mucStores } from './fields.ts'
import { hatCommands } from './hat-commands.ts'
import { decline, invite } from './invitations.ts'
import { exit, notHere, unreachable } from './leaving.ts'
import { listing } from './listing.ts'
import { say, whisper } from './messages.ts'
import { rename, update } from './nickname.ts'
import { command, configuration, destroy } from './owner.ts'
import { approve, isApproval, register, requirements, RoomRegistration } from './registration.ts'
import { relay } from './relay.ts'
import { moderate, retractedBy } from './retractions.ts'
import type { Room } from './room.ts'
import { noRoom, Rooms } from './rooms.ts'
import { type RoomSupervisor, warn } from './supervisor.ts'
import { tiesOf } from './ties.ts'
import { voiceForm } from './voice.ts'

/** Rooms for many, at a domain of their own. What is for one room is done in one go, so that its order is the same for everybody. */
export const muc = defineModule({
  name: 'muc',
  xeps: [
    'XEP-0045 1.35.5',
    'XEP-0050 1.3.0',
    'XEP-0317 0.3.1',
    'XEP-0410 1.1.0',
    'XEP-0421 1.0.1',
    'XEP-0424 0.4.2',
    'XEP-0425 0.3.0',
    'XEP-0431 0.2.0',
    'XEP-0433 0.1.0',
    'XEP-0486 0.1.0',
    'XEP-0502 0.1.0',
  ],
  // It tells the rooms of a session that the session has ended (RFC 6121 §4.6.3).
  needs: [presenceModule, archive, archiveRetention],
  config: mucFields,
  stores: mucStores,
  start(host) {
    const archives = new RoomArchives(host.stores.messages, host.use(archive).isSearchable)
    const rooms = new Rooms(host, archives)
    const expiring = {
      owners: () => archives.log.owners(),
      page: (owner: string, query: LogQuery) => archives.log.page(owner, query),
      trim: (owner: string, query: LogQuery) => archives.trim(owner, query),
    }
    host.onStop(host.use(archiveRetention).cover(expiring))
    // What the archive has lost who enters is not told of either.
    host.onStop(archives.watch({ lost: (jid, until) => until !== undefined && rooms.here(jid)?.history.expire(until) }))
    host.onStop(archives.watch({ kept: (kept) => host.tell('room-message:kept', kept) }))
    const messages = host.metrics.counter('jackdaw_muc_messages_total', 'Messages to rooms')
    const service = host.serve(host.config.subdomain, { name: host.config.name, presence, message, iq })

    function presence(stanza: Presence): Awaitable<void> {
      const { to, type } = stanza
      if (to!.local === undefined) return
      // §17.3.1, §17.3.2
      if (type !== undefined && type !== 'unavailable' && type !== 'error') return
      return when(rooms.find(to!.bare), (room) => {
        if (type === undefined) return orRefuse(stanza, () => arrive(room, stanza))
        if (!room) return
        if (type === 'error') unreachable(room, stanza)
        else exit(room, stanza)
      })
    }

    /** §7.2: the refusal of an entry says that it is one. */
    function orRefuse(stanza: Presence, act: () => Awaitable<void>): Awaitable<void> {
      const refuse = (error: unknown) => {
        if (!(error instanceof StanzaError) || !stanza.child(MucEntry.name, mucNs)) throw error
        host.send(stanza.reply('error', MucEntry.write({}), error.toElement()))
      }
      try {
        const wait = act()
        return wait instanceof Promise ? wait.catch(refuse) : wait
      } catch (error) {
        refuse(error)
      }
    }

    /** Available presence: of an occupant, of who becomes one, or of who believes to be one. */
    function arrive(room: Room | undefined, stanza: Presence): Awaitable<void> {
      const { from, to } = stanza
      const x = stanza.child(MucEntry.name, mucNs)
      const entry = x && MucEntry.read(x)
      const occupant = room?.occupants.of(from!)
      // §7.2.1
      if (to!.isBare) throw new StanzaError('jid-malformed', 'A nickname is missing')
      if (room && occupant) {
        if (!occupant.jid.equals(to!)) rename(room, occupant, stanza)
        else if (!entry) update(room, occupant, stanza)
        if (entry) reenter(room, occupant, stanza, entry)
      } else if (!entry) host.send(notHere(stanza))
      else if (room) enter(room, stanza, entry)
      else return create(stanza, entry)
    }

    /** §10.1.1 */
    function create(stanza: Presence, entry: MucEntry): Awaitable<void> {
      const { from, to } = stanza
      return when(mayCreate(host, from!), () =>
        // Somebody else may have been faster while that was found out.
        when(rooms.find(to!.bare), (found) => {
          if (found) return enter(found, stanza, entry)
          const room = rooms.create(to!.bare, from!)
          try {
            enter(room, stanza, entry, [201])
          } catch (error) {
            rooms.drop(room)
            throw error
          }
        }),
      )
    }

    function message(stanza: Message): Awaitable<void> {
      const { to } = stanza
      if (to!.local === undefined) throw new StanzaError('service-unavailable')
      return when(rooms.find(to!.bare), (room) => {
        if (stanza.type === 'error') return room && unreachable(room, stanza)
        // §17.2.3
        if (!room || room.isLocked) throw noRoom()
        return to!.isBare ? toRoom(room, stanza) : toOccupant(room, stanza)
      })
    }

    function toRoom(room: Room, stanza: Message): Awaitable<void> {
      const occupant = room.occupants.of(stanza.from!)
      if (messageType(stanza) === 'groupchat') {
        if (!occupant) throw notInside()
        return when(archives.supervisor?.notice(room.jid), (notice) =>
          when(retractedBy(room, stanza), (retracted) => {
            // It may have left meanwhile.
            const speaker = room.occupants.of(stanza.from!)
            if (!speaker) throw notInside()
            if (notice !== undefined) warn(room, notice)
            say(room, speaker, stanza, retracted)
            messages.inc()
          }),
        )
      }
      const x = stanza.child(MucUser.name, MucUser.ns)
      const { invitations = [], declined } = x ? MucUser.read(x) : {}
      if (declined) return decline(room, stanza, declined)
      const submitted = stanza.child(Form.name, Form.ns)
      const form = submitted && Form.read(submitted)
      if (form && isApproval(form)) return approve(room, stanza.from!, form)
      if (!occupant) throw notInside()
      if (invitations.length > 0) return invite(room, occupant, stanza, invitations)
      if (form && formType(form) === mucRequestForm) return voiceForm(room, occupant, stanza, form)
      // §17.2.1
      throw new StanzaError('bad-request', "A message to all is of the type 'groupchat'")
    }

    function toOccupant(room: Room, stanza: Message): Awaitable<void> {
      if (messageType(stanza) === 'groupchat') throw new StanzaError('bad-request', 'A message to all goes to the room')
      return when(archives.supervisor?.notice(room.jid), (notice) => {
        const occupant = room.occupants.of(stanza.from!)
        if (!occupant) throw notInside()
        const other = room.occupants.at(stanza.to!)
        if (!other) throw new StanzaError('item-not-found', 'Nobody here has that nickname')
        if (notice !== undefined) warn(room, notice)
        return whisper(room, occupant, other, stanza)
      })
    }

    function iq(stanza: Iq): Awaitable<void> {
      const { to, type } = stanza
      if (to!.local === undefined || to!.isBare) {
        if (type === 'get' || type === 'set') throw new StanzaError('service-unavailable')
        return
      }
      return when(rooms.find(to!.bare), (room) => relay(room, stanza))
    }

    /** Answers what is asked of a room. */
    function ofRoom<T, R>(
      type: 'get' | 'set',
      payload: Payload<T>,
      act: (room: Room, from: Jid, payload: T) => Awaitable<R>,
      write?: (result: R) => ReturnType<Payload<any>['write']>,
    ): void {
      service.answer(type, 'local', payload, ({ to, from, payload: value }: IqRequest<T>) =>
        when(rooms.get(to), (room) => {
          // §10.1.1: for others it is not there yet.
          if (room.isLocked && room.affiliations.of(from) !== 'owner') throw noRoom()
          return when(act(room, from, value), (result) => write?.(result))
        }),
      )
    }

    const more = archives.isSearchable ? [fullTextField] : []
    ofRoom('get', MucAdmin, list, MucAdmin.write)
    ofRoom('set', MucAdmin, change)
    ofRoom('get', MucOwner, configuration, MucOwner.write)
    ofRoom('set', MucOwner, (room, from, query) => command(rooms, room, from, query))
    ofRoom('get', RoomRegistration, requirements, RoomRegistration.write)
    ofRoom('set', RoomRegistration, register)
    ofRoom('get', DiscoInfo, (room, from, { node }) => roomInfo(room, from, node), DiscoInfo.write)
    ofRoom(
      'get',
      DiscoItems,
      (room, from, { node }) => ({ node, items: roomItems(room, from, node) }),
      DiscoItems.write,
    )
    ofRoom(
      'set',
      Command,
      (room, from, step) => perform(hatCommands(room, from), step, host.random),
      (done) => done,
    )
    ofRoom('get', Ping, () => {})
    ofRoom('set', Moderation, moderate)
    ofRoom('set', MamQuery, readArchive, MamFin.write)
    ofRoom('get', MamForm, checkReader, () => MamForm.write({ ...mamFields, fields: [...mamFields.fields!, ...more] }))
    ofRoom(
      'get',
      MamMetadata,
      (room, from) => {
        checkReader(room, from)
        return extentOf(archives.log, room.jid.toString())
      },
      MamMetadata.write,
    )
    ofRoom('get', VCard, getVcard, VCard.write)
    ofRoom('set', VCard, setVcard)

    service.answer('get', 'domain', DiscoInfo, ({ payload: { node } }) => {
      if (node !== undefined) throw new StanzaError('item-not-found', `There is no node ${node}`)
      return DiscoInfo.write(serviceInfo(host.config.name))
    })
    const searches = new ChannelSearches(host, rooms)
    service.answer('get', 'domain', ChannelSearch, ({ iq: { from }, payload }) => searches.answer(payload, from!))
    service.answer('get', 'domain', DiscoItems, ({ iq: request }) => listing(host, request))
    service.answer('get', 'domain', Ping, () => {})

    roomEndpoints(host, rooms, service.domain)

    host.on('account:removed', ({ account }) => forgetAccount(rooms, host, account, (room) => destroy(rooms, room, {})))

    host.metrics.gauge('jackdaw_muc_rooms', 'Rooms in memory', () => rooms.size)
    host.metrics.gauge('jackdaw_muc_occupants', 'Occupants of the rooms in memory', () =>
      [...rooms].reduce((sum, { occupants }) => sum + occupants.size, 0),
    )

    return {
      domain: service.domain,
      archives,
      /** One at a time; returns what ends that. */
      supervise(by: RoomSupervisor): () => void {
        archives.supervisor = by
        return () => void (archives.supervisor = undefined)
      },
      /** How users stand to a room of this service; undefined when there is none. */
      audience(jid: string): Awaitable<Audience | undefined> {
        const room = Jid.parse(jid)
        if (room.domain !== service.domain.domain) return undefined
        return when(rooms.find(room), (found) => found && audienceOf(found))
      },
      /** The rooms of this service that are conversations of an account, and since when; `marked`: those that it has marked for itself. */
      tiesOf: (account: Jid, marked: ReadonlyMap<string, number>) => tiesOf(rooms, host, account, marked),
    }
  },
})

/** §7.4, §7.5 */
function notInside(): StanzaError {
  return new StanzaError('not-acceptable', 'You are not in the room')
}
