import {
  booleanValue,
  type Field,
  type Form,
  formType,
  formTypeField,
  mucRoomConfigForm,
  type MucRole,
  mucRoles,
  StanzaError,
} from '@jackdaw/xmpp'

/** What the owners of a room decide (XEP-0045 §10.2, §16.5.3). */
export type RoomConfig = {
  readonly name: string
  readonly description: string
  readonly language: string
  /** An XMPP URI. */
  readonly pubsub: string
  /** '' for a room without one. */
  readonly password: string
  readonly isPersistent: boolean
  readonly isPublic: boolean
  readonly isMembersOnly: boolean
  readonly isModerated: boolean
  /** The room's archive is kept. */
  readonly isLogged: boolean
  readonly maySetSubject: boolean
  readonly mayInvite: boolean
  readonly whois: 'moderators' | 'anyone'
  readonly privateMessages: 'anyone' | 'participants' | 'moderators' | 'none'
  readonly broadcasts: readonly MucRole[]
  readonly memberListFor: readonly MucRole[]
  /** 0: as many as the service allows. */
  readonly maxUsers: number
  readonly historyLength: number
}

/** With what a room begins. */
export const defaultConfig: RoomConfig = {
  name: '',
  description: '',
  language: '',
  pubsub: '',
  password: '',
  isPersistent: false,
  isPublic: true,
  isMembersOnly: false,
  isModerated: false,
  isLogged: true,
  maySetSubject: false,
  mayInvite: false,
  whois: 'moderators',
  privateMessages: 'anyone',
  broadcasts: ['moderator', 'participant', 'visitor'],
  memberListFor: ['moderator', 'participant'],
  maxUsers: 0,
  historyLength: 20,
}

export interface FormLimits {
  readonly occupants: number
  readonly history: number
}

/** Most characters of a line that an owner writes. */
const longest = 1024
const prefix = 'muc#roomconfig_'
type Of<T> = { [K in keyof RoomConfig]: RoomConfig[K] extends T ? K : never }[keyof RoomConfig]

interface Setting {
  readonly var: string
  field(config: RoomConfig, limits: FormLimits): Field
  /** The configuration with what was submitted. */
  read(config: RoomConfig, values: readonly string[], limits: FormLimits): RoomConfig
}

const presentRoles = mucRoles.filter((role) => role !== 'none')
const settings: readonly Setting[] = [
  text('roomname', 'name', 'Name'),
  text('roomdesc', 'description', 'Description'),
  text('lang', 'language', 'Language of the discussion'),
  text('pubsub', 'pubsub', 'XMPP URI of an associated publish-subscribe node'),
  flag('persistentroom', 'isPersistent', 'The room stays when everybody has left'),
  flag('publicroom', 'isPublic', 'The room is found in the list of rooms'),
  flag('membersonly', 'isMembersOnly', 'Only members may enter'),
  flag('moderatedroom', 'isModerated', 'Only those who have been given voice may speak'),
  flag('changesubject', 'maySetSubject', 'Everybody may change the subject'),
  flag('allowinvites', 'mayInvite', 'Members may invite others to a room for members only'),
  flag('enablelogging', 'isLogged', 'What is said is kept'),
  choice('whois', 'whois', 'Who sees real addresses', ['moderators', 'anyone']),
  choice('allowpm', 'privateMessages', 'Who may send private messages', [
    'anyone',
    'participants',
    'moderators',
    'none',
  ]),
  several('presencebroadcast', 'broadcasts', 'Roles of which others see that they are here'),
  several('getmemberlist', 'memberListFor', 'Roles that may read the list of members'),
  {
    var: `${prefix}maxusers`,
    field: ({ maxUsers }, { occupants }) => {
      const usual = [10, 20, 50, 100, 200, 500, 1000, 5000].filter((n) => n <= occupants)
      // XEP-0004 §3.3: what is chosen is one of the options.
      const numbers = [...new Set(maxUsers === 0 ? usual : [...usual, maxUsers])].sort((a, b) => a - b)
      return {
        type: 'list-single',
        label: 'Most occupants',
        values: [maxUsers === 0 ? 'none' : String(maxUsers)],
        options: offered(['none', ...numbers.map(String)]),
      }
    },
    read: (config, [value = 'none'], { occupants }) => ({
      ...config,
      maxUsers: value === 'none' ? 0 : whole(value, 1, occupants),
    }),
  },
  {
    // §16.5.3: the only one without the prefix.
    var: 'muc#maxhistoryfetch',
    field: ({ historyLength }) => ({
      type: 'text-single',
      label: 'Most messages told to who enters',
      values: [String(historyLength)],
    }),
    read: (config, [value = '0'], { history }) => ({ ...config, historyLength: Math.min(whole(value, 0), history) }),
  },
]

/** §10.1.3, §10.2 */
export function configForm(config: RoomConfig, lists: readonly Field[], limits: FormLimits): Form {
  return {
    type: 'form',
    title: 'Configuration of the room',
    fields: [
      formTypeField(mucRoomConfigForm),
      ...settings.map((setting) => ({ var: setting.var, ...setting.field(config, limits) })),
      { var: protectedVar, type: 'boolean', label: 'A password is needed', values: [bit(config.password !== '')] },
      { var: secretVar, type: 'text-private', label: 'The password', values: [config.password] },
      ...lists,
    ],
  }
}

const protectedVar = `${prefix}passwordprotectedroom`
const secretVar = `${prefix}roomsecret`
export const adminsVar = `${prefix}roomadmins`
export const ownersVar = `${prefix}roomowners`

/**
 * What a submitted form makes of a configuration; what it does not mention stays.
 * @throws StanzaError bad-request, not-acceptable
 */
export function submitted(form: Form, config: RoomConfig, limits: FormLimits): RoomConfig {
  const type = formType(form)
  // §10.1.2: an instant room's form is empty.
  if (type !== undefined && type !== mucRoomConfigForm) throw new StanzaError('bad-request', 'This is another form')
  const values = new Map((form.fields ?? []).map((field) => [field.var, field.values ?? []]))
  let result = config
  for (const setting of settings) {
    const given = values.get(setting.var)
    if (given) result = setting.read(result, given, limits)
  }
  return { ...result, password: password(values, config.password) }
}

function password(values: ReadonlyMap<string | undefined, readonly string[]>, old: string): string {
  const [secret = old] = values.get(secretVar) ?? []
  const isProtected = values.has(protectedVar) ? booleanValue(values.get(protectedVar)![0] ?? '0') : old !== ''
  if (!isProtected) return ''
  // §10.1.3
  if (secret === '') throw new StanzaError('not-acceptable', 'A room with a password needs one')
  return line(secret)
}

function text(name: string, key: Of<string>, label: string): Setting {
  return {
    var: prefix + name,
    field: (config) => ({ type: 'text-single', label, values: [config[key]] }),
    read: (config, [value = '']) => ({ ...config, [key]: line(value) }),
  }
}

function flag(name: string, key: Of<boolean>, label: string): Setting {
  return {
    var: prefix + name,
    field: (config) => ({ type: 'boolean', label, values: [bit(config[key])] }),
    read: (config, [value = '0']) => ({ ...config, [key]: booleanValue(value) }),
  }
}

function choice(name: string, key: 'whois' | 'privateMessages', label: string, options: readonly string[]): Setting {
  return {
    var: prefix + name,
    field: (config) => ({ type: 'list-single', label, values: [config[key]], options: offered(options) }),
    read: (config, [value = '']) => ({ ...config, [key]: among(options, value) }),
  }
}

function several(name: string, key: 'broadcasts' | 'memberListFor', label: string): Setting {
  return {
    var: prefix + name,
    field: (config) => ({ type: 'list-multi', label, values: config[key], options: offered(presentRoles) }),
    read: (config, values) => ({ ...config, [key]: [...new Set(values)].map((value) => among(presentRoles, value)) }),
  }
}

const offered = (values: readonly string[]) => values.map((value) => ({ value }))
const bit = (is: boolean) => (is ? '1' : '0')

function among(options: readonly string[], value: string): string {
  if (!options.includes(value)) throw new StanzaError('not-acceptable', `${value} is none of ${options.join(', ')}`)
  return value
}

function line(value: string): string {
  if (value.length > longest) throw new StanzaError('not-acceptable', `A text has ${longest} characters at the most`)
  return value
}

function whole(value: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1
  if (number < least || number > most) throw new StanzaError('not-acceptable', `${value} cannot be had`)
  return number
}
