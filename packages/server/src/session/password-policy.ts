import type { Jid } from '@jackdaw/xmpp'

/** What people choose most and guessers try first, without the digits and signs around it. */
const common = new Set(
  `abcabc abcdef abcdefg abcdefgh access administrator asdfasdf asdfghjk asdfghjkl baseball basketball basketba batman
  changeit changeme charlie chocolate computer corvette cowboys default donald dragon facebook family flower football freedom
  friends fuckyou google hello helloworld hunter iloveu iloveyou internet jackdaw jennifer jessica jordan letmein letmeinnow
  liverpool login loveme lovely marina master maverick mercedes michael michelle midnight monkey mustang nothing passphrase
  passw0rd password passwort princess purple qazwsx qazwsxedc qwerasdf qwert qwerty qwertyu qwertyui qwertyuio qwertyuiop
  qwertz qwertzui rangers samantha samsung secret service shadow spiderman starwars startrek steelers summer sunshine
  superman superstar test testing testtest thunder trustno tigger victoria welcome whatever winter yankees zaq1zaq1
  zaqwsx zxcvbn zxcvbnm`.split(/\s+/),
)
const rows = [
  '01234567890',
  '09876543210',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb',
]
/** Fewer different characters than this are a pattern, whatever their number. */
const leastVariety = 4

/** Why people may not choose this password, in a sentence without its stop; undefined when they may. */
export function passwordFault(password: string, { local, domain }: Jid, least: number): string | undefined {
  const letters = Array.from(password.toLowerCase())
  if (letters.length < least) return `A password has at least ${least} characters`
  const lower = letters.join('')
  const core = lower.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  if ([local, domain, `${local}@${domain}`].some((name) => name === lower || name === core))
    return 'The password is the name'
  if (new Set(letters).size < leastVariety || isCommon(lower, core)) return 'The password is one that many people use'
  return undefined
}

function isCommon(lower: string, core: string): boolean {
  if (common.has(lower) || common.has(core) || common.has(plain(core))) return true
  if (rows.some((row) => row.includes(lower))) return true
  // Twice the same.
  const half = lower.slice(0, lower.length / 2)
  return lower === half + half && (common.has(half) || rows.some((row) => row.includes(half)))
}

/** Without the signs that stand for letters. */
function plain(text: string): string {
  const letters: Readonly<Record<string, string>> = {
    0: 'o',
    1: 'i',
    3: 'e',
    4: 'a',
    5: 's',
    7: 't',
    $: 's',
    '@': 'a',
    '!': 'i',
  }
  return text.replace(/[013457$@!]/g, (sign) => letters[sign]!)
}
