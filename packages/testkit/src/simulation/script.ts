import {
  carbonsNs,
  clientNs,
  DisableCarbons,
  EnableCarbons,
  hintElement,
  Jid,
  message,
  RosterQuery,
  xml,
} from '@jackdaw/xmpp'
import type { Device } from './device.ts'
import type { Loss } from './network.ts'
import type { Seeded } from './seeded.ts'

/** What a script may do besides what users do. */
export interface Stage {
  readonly devices: readonly Device[]
  readonly accounts: readonly Jid[]
  readonly chance: Seeded
  nextId(): string
  /** The server dies. */
  crash(): void
  /** The server is stopped in an orderly way and started again. */
  restart(): void
  /** Nothing can be written to the disk for a while. */
  fillDisk(): void
}

const strangers = ['nobody@home.test', 'nobody@other.test/attic', 'somebody@elsewhere.test'].map((jid) =>
  Jid.parse(jid),
)
const losses: readonly Loss[] = ['noticed by both', 'noticed by both', 'noticed by the client', 'noticed by the server']

const users = {
  message: 44,
  presence: 10,
  directed: 4,
  subscription: 16,
  roster: 6,
  carbons: 2,
  acknowledgement: 4,
  close: 2,
  lose: 7,
}

/** Most accounts ask for the presence of most others. */
export function acquaint({ chance, devices, accounts }: Stage): void {
  for (const account of accounts) {
    const device = devices.find(({ jid, state }) => state === 'online' && jid.bare.equals(account))
    for (const other of accounts)
      if (device && other !== account && chance.chance(0.6)) device.subscription('subscribe', other)
  }
}

/** One step: somebody does something, or something happens to all. */
export function step(stage: Stage): void {
  const { chance, devices } = stage
  for (const device of devices) if (chance.chance(0.15)) device.connect(chance.chance(0.15))
  if (chance.chance(0.02)) return stage.crash()
  if (chance.chance(0.01)) return stage.restart()
  if (chance.chance(0.012)) return stage.fillDisk()
  const online = devices.filter(({ state }) => state === 'online')
  if (online.length === 0) return
  const device = chance.one(online)
  const kind = chance.weighted(users)
  const times = kind === 'message' && chance.chance(0.2) ? chance.whole(2, 5) : 1
  for (let i = 0; i < times; i++) act[kind](device, stage)
}

/** How long (ms) until the next step. */
export function pause(chance: Seeded): number {
  if (chance.chance(0.015)) return chance.whole(60_000, 900_000)
  if (chance.chance(0.1)) return chance.whole(500, 20_000)
  return chance.chance(0.3) ? 0 : chance.whole(1, 40)
}

const act: Readonly<Record<keyof typeof users, (device: Device, stage: Stage) => void>> = {
  message(device, stage) {
    const { chance } = stage
    const type = chance.weighted({ chat: 55, normal: 22, headline: 8, groupchat: 7, error: 8 })
    const hint = chance.weighted({ none: 80, 'no-store': 8, 'no-permanent-store': 3, 'no-copy': 4, store: 5 })
    const id = stage.nextId()
    device.send(
      message(
        {
          id,
          type: type === 'normal' && chance.chance(0.5) ? undefined : type,
          to: chance.chance(0.02) ? undefined : address(stage),
        },
        chance.chance(0.9) ? xml('body', clientNs, {}, `what ${id} says`) : undefined,
        hint === 'none' ? undefined : hintElement(hint),
        chance.chance(0.03) ? xml('private', carbonsNs) : undefined,
      ),
    )
  },
  presence(device, { chance }) {
    if (chance.chance(0.3)) device.leave()
    else device.appear(chance.one([-1, 0, 0, 5]))
  },
  directed(device, stage) {
    const { bare } = device.jid
    const to = address(stage)
    if (to.bare.equals(bare) || to.domain === 'elsewhere.test') return
    if (stage.chance.chance(0.25)) device.leave(to)
    else device.appear(0, to)
  },
  subscription(device, stage) {
    const type = stage.chance.weighted({ subscribe: 50, subscribed: 25, unsubscribe: 12, unsubscribed: 13 })
    device.subscription(type, contact(stage))
  },
  roster(device, stage) {
    const { chance } = stage
    const jid = contact(stage)
    if (jid.equals(device.jid.bare)) return
    const isRemoval = chance.chance(0.3)
    const groups = chance.one([[], ['Friends'], ['Friends', 'Verona']])
    const item = isRemoval
      ? ({ jid, groups: [], subscription: 'remove' } as const)
      : { jid, name: `name ${stage.nextId()}`, groups }
    device.ask('set', RosterQuery.write({ items: [item] }))
  },
  carbons(device, { chance }) {
    device.ask('set', chance.chance(0.7) ? EnableCarbons.write() : DisableCarbons.write())
  },
  acknowledgement: (device) => device.requestAcknowledgement(),
  close: (device) => device.close(),
  lose: (device, { chance }) => device.lose(chance.one(losses)),
}

/** Of an account, of one of its resources, or of nobody. */
function address({ chance, devices, accounts }: Stage): Jid {
  switch (chance.weighted({ bare: 50, full: 36, resource: 7, stranger: 7 })) {
    case 'bare':
      return chance.one(accounts)
    case 'full':
      return chance.one(devices).jid
    case 'resource':
      return chance.one(accounts).withResource('attic')
    case 'stranger':
      return chance.one(strangers)
  }
}

function contact({ chance, accounts }: Stage): Jid {
  return chance.chance(0.05) ? strangers[0]! : chance.one(accounts)
}
