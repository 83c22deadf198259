interface App {
  readonly name: string
  readonly url: string
  readonly systems: readonly System[]
}

const systems = ['Android', 'iOS', 'macOS', 'Windows', 'Linux'] as const
export type System = (typeof systems)[number]

/** Apps that are free, maintained, and known to work here. */
export const apps: readonly App[] = [
  { name: 'Conversations', url: 'https://conversations.im/', systems: ['Android'] },
  { name: 'Cheogram', url: 'https://cheogram.com/', systems: ['Android'] },
  { name: 'Monal', url: 'https://monal-im.org/', systems: ['iOS', 'macOS'] },
  { name: 'Siskin', url: 'https://siskin.im/', systems: ['iOS'] },
  { name: 'Beagle', url: 'https://beagle.im/', systems: ['macOS'] },
  { name: 'Dino', url: 'https://dino.im/', systems: ['Linux', 'Windows'] },
  { name: 'Gajim', url: 'https://gajim.org/', systems: ['Windows', 'Linux', 'macOS'] },
  { name: 'Profanity', url: 'https://profanity-im.github.io/', systems: ['Linux', 'macOS'] },
]

/** What a browser says it runs on. */
export function systemOf(userAgent: string): System | undefined {
  if (userAgent.includes('Android')) return 'Android'
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'iOS'
  return systems.find((name) => userAgent.includes(name)) ?? (userAgent.includes('Mac OS') ? 'macOS' : undefined)
}

/** Those for this system first. */
export function appsFor(system: System | undefined): readonly App[] {
  const fits = (app: App) => Number(system !== undefined && app.systems.includes(system))
  return apps.toSorted((a, b) => fits(b) - fits(a))
}
