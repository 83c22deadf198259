import * as z from 'zod'
import { size, subdomain } from '../../config/fields.ts'
import { log, map } from '../../module.ts'
import type { Affiliated } from './affiliations.ts'
import type { Look } from './hats.ts'
import type { Visit } from './occupants.ts'
import type { Applied, Invited } from './pending.ts'
import type { RoomRecord, Subject } from './room.ts'

export const mucFields = z.object({
  subdomain: subdomain('rooms'),
  name: z.string().min(1).max(200).default('Rooms').describe('What the service is called in lists.'),
  perAccount: z.int().min(1).default(100).describe('Most rooms that one user has made.'),
  occupants: z.int().min(1).default(5000).describe('Most occupants of one room; the owners of a room can allow fewer.'),
  history: z.int().min(0).max(500).default(100).describe('Most messages that are told to who enters a room.'),
  affiliations: z.int().min(1).default(10_000).describe('Most members, admins, owners and outcasts of one room.'),
  nick: z.int().min(1).max(1023).default(64).describe('Most characters of a nickname.'),
  subject: z.int().min(1).default(4096).describe('Most characters of a subject.'),
  avatar: z.int().min(0).default(262_144).describe("Most characters of a room's vCard, which holds its picture."),
  messagesPerSecond: z
    .number()
    .min(0.1)
    .default(20)
    .describe('Messages of one occupant to a room in the long run; ten times as many at once.'),
  page: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe("Most messages given in answer to one query of a room's archive, and most rooms in one list."),
  pageBytes: size({ min: '64 KiB', max: '64 MiB' })
    .prefault('1 MiB')
    .describe("Most bytes of messages given in answer to one query of a room's archive; the first may be longer."),
})

/** Each owned by the room, under 'room' where nothing else is said. */
export const mucStores = {
  rooms: map<RoomRecord>(),
  subjects: map<Subject>(),
  /** vCards as XML. */
  pictures: map<string>(),
  /** By bare JID or domain. */
  affiliations: map<Affiliated>(),
  /** XEP-0317: by URI. */
  hats: map<Look>(),
  /** By bare JID: the URIs of the hats that they wear. */
  wearers: map<readonly string[]>(),
  /** By full JID. */
  occupants: map<Visit>(),
  /** By bare JID. */
  invited: map<Invited>(),
  applicants: map<Applied>(),
  /** Owned by users; by the rooms into which they have invited others. */
  inviters: map<true>(),
  /** Of rooms that everybody may find: their name. */
  listed: map<string>(),
  /** Owned by users; by the rooms that they have made. */
  created: map<true>(),
  /** The rooms' archives: messages as XML. */
  messages: log<string>(),
}
