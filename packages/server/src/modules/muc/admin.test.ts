import { mucAffiliations, type MucAffiliation, type MucRole, StanzaError, mucRoles } from '@jackdaw/xmpp'
import { describe, expect, test } from 'vitest'
import { checkAffiliation } from './affiliations.ts'
import { admin, configured, coven, entered, enters, error, quiet, room, says, x } from './fixture.ts'
import { checkRole, initialRole, roleAfter } from './roles.ts'

const outcome = (act: () => void): string => {
  try {
    act()
    return 'ok'
  } catch (thrown) {
    return (thrown as StanzaError).condition
  }
}

describe('XEP-0045 §5.2.2: who may change which affiliation into which', () => {
  /** The table of §5.2.2: the least affiliation that may. */
  const least: Record<MucAffiliation, Record<MucAffiliation, MucAffiliation>> = {
    outcast: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
    none: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
    member: { outcast: 'admin', none: 'admin', member: 'admin', admin: 'owner', owner: 'owner' },
    admin: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
    owner: { outcast: 'owner', none: 'owner', member: 'owner', admin: 'owner', owner: 'owner' },
  }
  for (const old of mucAffiliations)
    for (const wanted of mucAffiliations)
      test(`from ${old} to ${wanted}: ${least[old][wanted]}`, () => {
        for (const actor of mucAffiliations) {
          const may = mucAffiliations.indexOf(actor) >= mucAffiliations.indexOf(least[old][wanted])
          expect(outcome(() => checkAffiliation(actor, old, wanted)) === 'ok', actor).toBe(may)
        }
      })
})

describe('XEP-0045 §5.1.2: the role with which somebody enters', () => {
  test.each([
    ['none', 'visitor', 'participant'],
    ['member', 'participant', 'participant'],
    ['admin', 'moderator', 'moderator'],
    ['owner', 'moderator', 'moderator'],
  ] as const)('%s: moderated %s, unmoderated %s', (affiliation, moderated, unmoderated) => {
    expect([initialRole(affiliation, true), initialRole(affiliation, false)]).toEqual([moderated, unmoderated])
  })
})

describe('XEP-0045 §5.1.3: properties of all changes of roles', () => {
  const standings = mucAffiliations
    .filter((affiliation) => affiliation !== 'outcast')
    .flatMap((affiliation) =>
      mucRoles
        .filter(
          (role) => role !== 'none' && (role === 'moderator' || affiliation === 'none' || affiliation === 'member'),
        )
        .map((role) => ({ affiliation, role })),
    )
  const rank = (affiliation: MucAffiliation) => mucAffiliations.indexOf(affiliation)
  const cases = standings.flatMap((actor) =>
    standings.flatMap((target) =>
      mucRoles.map((wanted) => ({ actor, target, wanted, is: outcome(() => checkRole(actor, target, wanted)) })),
    ),
  )
  const allowed = cases.filter(({ is, target, wanted }) => is === 'ok' && wanted !== target.role)

  test('§8: only moderators change roles', () => {
    for (const { actor } of allowed) expect(actor.role).toBe('moderator')
    for (const { actor, is } of cases) if (actor.role !== 'moderator') expect(is).toBe('forbidden')
  })
  test('§8.2: nobody changes the role of somebody with a higher affiliation', () => {
    for (const { actor, target } of allowed)
      expect(rank(target.affiliation)).toBeLessThanOrEqual(rank(actor.affiliation))
  })
  test('§8.4, §9.7: an admin or owner stays a moderator until it is kicked', () => {
    for (const { target, wanted } of allowed) if (rank(target.affiliation) >= rank('admin')) expect(wanted).toBe('none')
  })
  test('§9.6, §9.7: only admins and owners make moderators, or end it', () => {
    for (const { actor, target, wanted } of allowed)
      if (wanted === 'moderator' || target.role === 'moderator')
        expect(rank(actor.affiliation)).toBeGreaterThanOrEqual(rank('admin'))
  })
  test('§8.2 – §8.4: a moderator kicks, gives voice and takes it from those without an affiliation', () => {
    const strangers = allowed.filter(
      ({ actor, target }) => actor.affiliation === 'none' && target.affiliation === 'none',
    )
    expect(strangers.map(({ target, wanted }) => `${target.role} → ${wanted}`).toSorted()).toEqual([
      'participant → none',
      'participant → visitor',
      'visitor → none',
      'visitor → participant',
    ])
  })
  test('§5.2.2: who gets an affiliation gets its role, who loses one does not keep a moderator’s', () => {
    const after = (affiliation: MucAffiliation, role: MucRole, now: MucAffiliation) =>
      roleAfter({ affiliation, role }, now, true)
    expect(after('none', 'visitor', 'member')).toBe('participant')
    expect(after('none', 'visitor', 'admin')).toBe('moderator')
    expect(after('admin', 'moderator', 'none')).toBe('visitor')
    expect(after('owner', 'moderator', 'member')).toBe('participant')
    expect(after('none', 'moderator', 'member')).toBe('moderator')
    expect(after('member', 'participant', 'none')).toBe('participant')
    expect(after('member', 'participant', 'outcast')).toBe('none')
  })
})

test('XEP-0045 §8.2: a kick takes all sessions out, with status 307, actor and reason', async () => {
  const play = await coven()
  await entered(play.tablet, 'secondwitch')
  await quiet(play)
  await admin(play.desktop, "<item nick='secondwitch' role='none'><reason>Avaunt</reason></item>")
  const item = "<item affiliation='none' role='none'><actor nick='firstwitch'/><reason>Avaunt</reason></item>"
  for (const client of [play.laptop, play.tablet])
    await client.hears(`<presence from='${room}/secondwitch' type='unavailable'>${x(item, 110, 307)}</presence>`)
  await play.pda.hears(`<presence from='${room}/secondwitch' type='unavailable'>${x(item, 307)}</presence>`)
  says(play.laptop, 'hi')
  await play.laptop.hears(`<message type='error'>${error('not-acceptable')}</message>`)
  await entered(play.laptop, 'secondwitch')
})

test.each([
  ['§8.3', 'thirdwitch', 'participant', 'visitor'],
  ['§8.4', 'secondwitch', 'visitor', 'participant'],
  ['§9.6', 'thirdwitch', 'moderator', 'visitor'],
])('XEP-0045 %s: %s becomes a %s', async (_, nick, role) => {
  const play = await coven({ moderatedroom: '1' })
  await admin(play.desktop, "<item nick='secondwitch' role='participant'/>")
  await quiet(play)
  await admin(play.desktop, `<item nick='${nick}' role='${role}'><reason>so be it</reason></item>`)
  for (const client of [play.laptop, play.pda])
    await client.hears(
      `<presence from='${room}/${nick}'>${x(`<item role='${role}' affiliation='none'><reason>so be it</reason></item>`)}</presence>`,
    )
})

test('XEP-0045 §8: who becomes a moderator of a semi-anonymous room is told who the others are', async () => {
  const play = await coven()
  await admin(play.desktop, "<item nick='secondwitch' role='moderator'/>")
  await play.laptop.hears(`<presence from='${room}/secondwitch'>${x(110)}</presence>`)
  await play.laptop.awaits(`<presence from='${room}/thirdwitch'>${x("<item jid='hag66@home.test/pda'/>")}</presence>`)
})

test.each([
  ['§8', 'pda', "<item nick='secondwitch' role='none'/>", 'forbidden'],
  ['§8.2', 'laptop', "<item nick='firstwitch' role='none'/>", 'not-allowed'],
  ['§8.4', 'laptop', "<item nick='firstwitch' role='visitor'/>", 'not-allowed'],
  ['§9.6', 'laptop', "<item nick='thirdwitch' role='moderator'/>", 'forbidden'],
  ['§8', 'desktop', "<item nick='nobody' role='none'/>", 'item-not-found'],
  ['§17.4.4', 'desktop', "<item nick='thirdwitch' role='none' affiliation='outcast'/>", 'bad-request'],
  ['§17.4.4', 'desktop', "<item nick='thirdwitch'/>", 'bad-request'],
  ['§17.4.5', 'desktop', "<item role='none'/>", 'bad-request'],
  ['§17.4.6', 'desktop', "<item affiliation='member'/>", 'bad-request'],
  ['§14', 'desktop', "<item nick='thirdwitch' role='king'/>", 'bad-request'],
  ['§14', 'desktop', '', 'bad-request'],
  ['§9.1', 'desktop', "<item jid='crone1@home.test' affiliation='outcast'/>", 'conflict'],
  ['§10.4', 'desktop', "<item jid='crone1@home.test' affiliation='member'/>", 'conflict'],
  ['§9.1', 'pda', "<item jid='wiccarocks@home.test' affiliation='outcast'/>", 'forbidden'],
  ['§9.3', 'laptop', "<item jid='hag66@home.test' affiliation='member'/>", 'forbidden'],
  ['§9', 'desktop', "<item jid='a@b@c' affiliation='member'/>", 'jid-malformed'],
])('XEP-0045 %s: %s asking %s is refused with %s', async (_, who, items, condition) => {
  const play = await coven()
  await admin(play.desktop, "<item nick='secondwitch' role='moderator'/>")
  await quiet(play)
  await expect(admin(play.clients[who]!, items)).rejects.toMatchObject({ condition })
  for (const client of Object.values(play.clients)) await client.hearsNothing()
})

test('XEP-0045 §9.1, §10.3, §10.6: an admin bans no owner, makes no admin, sees no list of owners', async () => {
  const play = await coven()
  await admin(play.desktop, "<item jid='wiccarocks@home.test' affiliation='admin'/>")
  await play.laptop.hears(
    `<presence from='${room}/secondwitch'>${x("<item affiliation='admin' role='moderator'/>")}</presence>`,
  )
  for (const [items, condition] of [
    ["<item jid='crone1@home.test' affiliation='outcast'/>", 'not-allowed'],
    ["<item jid='hag66@home.test' affiliation='admin'/>", 'forbidden'],
    ["<item jid='hag66@home.test' affiliation='owner'/>", 'forbidden'],
  ] as const)
    await expect(admin(play.laptop, items)).rejects.toMatchObject({ condition })
  for (const affiliation of ['owner', 'admin'])
    await expect(admin(play.laptop, `<item affiliation='${affiliation}'/>`, 'get')).rejects.toMatchObject({
      condition: 'forbidden',
    })
  await admin(play.laptop, "<item jid='hag66@home.test' affiliation='outcast'/>")
})

test('XEP-0045 §9.1: a reason has a limit, for it is kept', async () => {
  const play = await coven()
  const ban = (length: number) =>
    admin(play.desktop, `<item affiliation='outcast' jid='a@home.test'><reason>${'x'.repeat(length)}</reason></item>`)
  await expect(ban(1025)).rejects.toMatchObject({ condition: 'not-acceptable' })
  await ban(1024)
})

test('XEP-0045 §9.1: an admin bans no one whose domain is admin or owner either', async () => {
  const play = await coven()
  await admin(
    play.desktop,
    "<item affiliation='admin' jid='hag66@home.test'/><item affiliation='owner' jid='home.test'/>",
  )
  await expect(admin(play.pda, "<item affiliation='outcast' jid='wiccarocks@home.test'/>")).rejects.toMatchObject({
    condition: 'not-allowed',
  })
})

test('XEP-0045 §9.2: changes of which one is refused are not made at all', async () => {
  const play = await coven()
  await expect(
    admin(
      play.desktop,
      "<item jid='hag66@home.test' affiliation='outcast'/><item jid='crone1@home.test' affiliation='outcast'/>",
    ),
  ).rejects.toMatchObject({ condition: 'conflict' })
  for (const client of Object.values(play.clients)) await client.hearsNothing()
})

test.each([
  "<item nick='thirdwitch' role='none'/><item nick='thirdwitch' role='none'/>",
  "<item nick='thirdwitch' role='none'/><item nick='thirdwitch' role='visitor'/>",
  "<item jid='hag66@home.test' affiliation='outcast'/><item nick='thirdwitch' role='none'/>",
])('XEP-0045 §8.2, §9.1: one request takes an occupant out once, whatever else it says of it: %s', async (items) => {
  const play = await coven()
  await admin(play.desktop, `${items}<item nick='secondwitch' role='none'/>`)
  for (const nick of ['thirdwitch', 'secondwitch'])
    await play.desktop.hears(`<presence from='${room}/${nick}' type='unavailable'/>`)
  await play.desktop.hearsNothing()
})

test('XEP-0045 §9.1, §9.2: a ban, and its end', async () => {
  const play = await coven()
  await admin(play.desktop, "<item jid='hag66@home.test' affiliation='member' nick='Hag'/>")
  await quiet(play)
  await admin(play.desktop, "<item affiliation='outcast' jid='hag66@home.test/pda'><reason>Treason</reason></item>")
  const item = "<item affiliation='outcast' role='none'><actor nick='firstwitch'/><reason>Treason</reason></item>"
  await play.pda.hears(`<presence from='${room}/thirdwitch' type='unavailable'>${x(item, 110, 301)}</presence>`)
  await play.laptop.hears(`<presence from='${room}/thirdwitch' type='unavailable'>${x(item, 301)}</presence>`)
  const list = await admin(play.desktop, "<item affiliation='outcast'/>", 'get')
  expect(list.first()!.elements().map(String)).toEqual([
    "<item xmlns='http://jabber.org/protocol/muc#admin' affiliation='outcast' jid='hag66@home.test'><reason>Treason</reason></item>",
  ])
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  await entered(play.pda, 'thirdwitch')
})

test('XEP-0045 §9.1: moderators who see no JIDs ban by nickname', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='outcast' nick='thirdwitch'/>")
  await play.pda.hears(`<presence type='unavailable'>${x(301)}</presence>`)
})

const knowing = (affiliations: number) => ({
  config: { hosts: { 'home.test': { modules: { muc: { affiliations } } } } },
})

test('XEP-0045 §9.1: in a room that knows as many users as it may, one of them is banned', async () => {
  const play = await coven({}, knowing(2))
  await admin(play.desktop, "<item jid='hag66@home.test' affiliation='member'/>")
  await expect(admin(play.desktop, "<item jid='wiccarocks@home.test' affiliation='member'/>")).rejects.toMatchObject({
    condition: 'resource-constraint',
  })
  await admin(play.desktop, "<item jid='hag66@home.test' affiliation='outcast'/>")
})

test('XEP-0045 §9.5, §10.2: neither by the form nor by invitations a room knows more users than it may', async () => {
  const play = await coven({}, knowing(2))
  const admins = ['a@home.test', 'b@home.test']
  await expect(configured(play.desktop, { roomadmins: admins })).rejects.toMatchObject({
    condition: 'resource-constraint',
  })
  await configured(play.desktop, { roomadmins: 'a@home.test', membersonly: '1' })
  await quiet(play)
  play.desktop.says(`<message to='${room}'>${x("<invite to='b@home.test'/>")}</message>`)
  await play.desktop.hears(`<message type='error'>${error('resource-constraint')}</message>`)
})

test('XEP-0045 §9.3, §9.4: membership granted and revoked, seen by all', async () => {
  const play = await coven({ moderatedroom: '1' })
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'>${x("<item affiliation='member' role='participant'/>")}</presence>`,
  )
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  await play.laptop.hears(
    `<presence from='${room}/thirdwitch'>${x("<item affiliation='none' role='participant'/>")}</presence>`,
  )
})

test('XEP-0045 §9.4: who is no member any more leaves a room for members only, and nothing else is told first', async () => {
  const play = await coven()
  for (const user of ['hag66', 'wiccarocks'])
    await admin(play.desktop, `<item affiliation='member' jid='${user}@home.test'/>`)
  await configured(play.desktop, { membersonly: '1' })
  await quiet(play)
  await admin(play.desktop, "<item affiliation='none' jid='hag66@home.test'/>")
  await play.pda.hears(
    `<presence from='${room}/thirdwitch' type='unavailable'>${x("<item affiliation='none' role='none'/>", 110, 321)}</presence>`,
  )
  await play.laptop.hears(`<presence from='${room}/thirdwitch' type='unavailable'>${x(321)}</presence>`)
  enters(play.pda, 'thirdwitch')
  await play.pda.hears(`<presence type='error'>${error('registration-required')}</presence>`)
})

test('XEP-0045 §9.3: one request does not reserve a nickname for two users', async () => {
  const play = await coven()
  const items = ['hag66', 'wiccarocks'].map(
    (name, i) => `<item affiliation='member' jid='${name}@home.test' nick='${['Hecate', 'HECATE'][i]}'/>`,
  )
  await expect(admin(play.desktop, items.join(''))).rejects.toMatchObject({ condition: 'conflict' })
  await play.desktop.hearsNothing()
})

test('XEP-0045 §9.5: who becomes a member of a room for members only is asked in, with the password', async () => {
  const play = await coven({ membersonly: '0', passwordprotectedroom: '0' })
  await configured(play.desktop, { membersonly: '1', passwordprotectedroom: '1', roomsecret: 'cauldronburn' })
  play.tablet.comes()
  await quiet(play)
  await admin(play.desktop, "<item affiliation='member' jid='wiccarocks@home.test'/>")
  await play.tablet.hears(
    `<message from='${room}' to='wiccarocks@home.test'>${x(`<invite from='${room}'/>`, '<password>cauldronburn</password>')}</message>`,
  )
})

test('XEP-0045 §8.5, §9.5, §9.8, §10.5: lists', async () => {
  const play = await coven({ moderatedroom: '1' })
  await admin(
    play.desktop,
    "<item affiliation='member' jid='hag66@home.test' nick='Hag'/><item affiliation='admin' jid='macbeth@home.test'/>",
  )
  const lists = async (item: string) =>
    (await admin(play.desktop, item, 'get'))
      .first()!
      .elements()
      .map((one) => one.attrs.join(' '))
  expect(await lists("<item affiliation='owner'/>")).toEqual(['affiliation owner jid crone1@home.test'])
  expect(await lists("<item affiliation='admin'/>")).toEqual(['affiliation admin jid macbeth@home.test'])
  expect(await lists("<item affiliation='member'/>")).toEqual(['affiliation member jid hag66@home.test nick Hag'])
  expect(await lists("<item role='moderator'/>")).toEqual([
    'affiliation owner role moderator jid crone1@home.test/desktop nick firstwitch',
  ])
  expect(await lists("<item role='participant'/>")).toEqual([
    'affiliation member role participant jid hag66@home.test/pda nick thirdwitch',
  ])
  expect(await lists("<item role='visitor'/>")).toEqual([
    'affiliation none role visitor jid wiccarocks@home.test/laptop nick secondwitch',
  ])
})

test('XEP-0045 §5.2.1, §9.5: members of a non-anonymous room read who they are, others and strangers do not', async () => {
  const play = await coven({ whois: 'anyone', getmemberlist: ['moderator'] })
  await admin(play.desktop, "<item affiliation='member' jid='hag66@home.test'/>")
  await admin(play.pda, "<item affiliation='member'/>", 'get')
  await expect(admin(play.laptop, "<item affiliation='member'/>", 'get')).rejects.toMatchObject({
    condition: 'forbidden',
  })
  await expect(admin(play.pda, "<item affiliation='outcast'/>", 'get')).rejects.toMatchObject({
    condition: 'forbidden',
  })
  await configured(play.desktop, { whois: 'moderators' })
  await expect(admin(play.pda, "<item affiliation='member'/>", 'get')).rejects.toMatchObject({ condition: 'forbidden' })
})

test.each([
  '',
  "<item affiliation='member'/><item affiliation='admin'/>",
  "<item affiliation='member' role='visitor'/>",
  '<item/>',
])('XEP-0045 §9: the question %j is none', async (items) => {
  const play = await coven()
  await expect(admin(play.desktop, items, 'get')).rejects.toMatchObject({ condition: 'bad-request' })
})

test('XEP-0045 §10.3: those who see JIDs learn of the affiliation of who is not here', async () => {
  const play = await coven({ whois: 'anyone' })
  await admin(play.desktop, "<item affiliation='admin' jid='macbeth@home.test'/>")
  await play.pda.hears(`<message from='${room}'>${x("<item affiliation='admin' jid='macbeth@home.test'/>")}</message>`)
})

test('XEP-0045 §10.4: an owner gives up the room when there is another one', async () => {
  const play = await coven()
  await admin(play.desktop, "<item affiliation='owner' jid='wiccarocks@home.test'/>")
  await admin(play.desktop, "<item affiliation='none' jid='crone1@home.test'/>")
  await expect(configured(play.desktop)).rejects.toMatchObject({ condition: 'forbidden' })
  await configured(play.laptop)
})

test('XEP-0045 §10.2: a role of which nobody is told is told to the occupant alone', async () => {
  const play = await coven({ moderatedroom: '1', presencebroadcast: ['moderator', 'participant'] })
  enters(play.tablet, 'fourth')
  await play.tablet.hears(`<presence from='${room}/firstwitch'/>`)
  await play.tablet.hears(`<presence from='${room}/fourth'>${x("<item role='visitor'/>", 110)}</presence>`)
  for (const client of [play.desktop, play.laptop]) await client.hearsNothing()
  await admin(play.desktop, "<item nick='fourth' role='participant'/>")
  await play.laptop.hears(`<presence from='${room}/fourth'>${x("<item role='participant'/>")}</presence>`)
  await admin(play.desktop, "<item nick='fourth' role='visitor'/>")
  await play.laptop.hears(`<presence from='${room}/fourth' type='unavailable'/>`)
  await play.tablet.awaits(`<presence from='${room}/fourth'>${x("<item role='visitor'/>", 110)}</presence>`)
})

test('XEP-0045 §5.1: in a moderated room voice that was given lasts longer than a visit, and is taken for good', async () => {
  const play = await coven({ moderatedroom: '1' })
  const again = async (role: string) => {
    play.pda.says(`<presence to='${room}/thirdwitch' type='unavailable'/>`)
    await quiet(play)
    enters(play.pda, 'thirdwitch')
    await play.laptop.hears(`<presence from='${room}/thirdwitch'>${x(`<item role='${role}'/>`)}</presence>`)
    await quiet(play)
  }
  await again('visitor')
  await admin(play.desktop, "<item nick='thirdwitch' role='participant'/>")
  await again('participant')
  await admin(play.desktop, "<item nick='thirdwitch' role='visitor'/>")
  await again('visitor')
})
