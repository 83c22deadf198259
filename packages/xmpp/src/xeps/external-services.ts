import { StanzaError } from '../errors.ts'
import { type Element, xml } from '../xml/element.ts'
import type { Payload } from '../xml/payload.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { booleanValue } from './forms.ts'

export const externalServicesNs = 'urn:xmpp:extdisco:2'

/** XEP-0215 §2: a service outside the XMPP network. */
export interface ExternalService {
  readonly type: string
  readonly host: string
  readonly port?: number | undefined
  /** 'udp', 'tcp'. */
  readonly transport?: string | undefined
  /** Whether it wants a username and a password. */
  readonly isRestricted?: boolean | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** When these end, milliseconds since the Unix epoch. */
  readonly expires?: number | undefined
}

/** XEP-0215 §3.1, §3.2: all services, or those of a type; a request has no services. */
export interface ExternalServices {
  readonly type?: string | undefined
  readonly services: readonly ExternalService[]
}

/** `<services/>`. Reading throws a StanzaError bad-request for a service that has no host or type, or a port that is none. */
export const ExternalServices: Payload<ExternalServices> = {
  name: 'services',
  ns: externalServicesNs,
  read: (element) => ({ type: element.attr('type'), services: servicesIn(element) }),
  write: ({ type, services }) => xml('services', externalServicesNs, { type }, ...services.map(writeService)),
}

/** `<credentials/>` (XEP-0215 §3.3): the services for which they are wanted, or with them. Reading throws as that of `<services/>` does. */
export const ExternalCredentials: Payload<readonly ExternalService[]> = {
  name: 'credentials',
  ns: externalServicesNs,
  read: servicesIn,
  write: (services) => xml('credentials', externalServicesNs, {}, ...services.map(writeService)),
}

function servicesIn(element: Element): ExternalService[] {
  return element
    .elements()
    .filter(({ name, ns }) => name === 'service' && ns === externalServicesNs)
    .map(readService)
}

function readService(element: Element): ExternalService {
  const host = element.attr('host')
  const type = element.attr('type')
  if (!host || !type) throw new StanzaError('bad-request', 'A service needs a host and a type')
  const port = element.attr('port')
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new StanzaError('bad-request', `${port} is no port`)
  const restricted = element.attr('restricted')
  const expires = element.attr('expires')
  return {
    host,
    type,
    port: port === undefined ? undefined : Number(port),
    transport: element.attr('transport'),
    isRestricted: restricted === undefined ? undefined : booleanValue(restricted),
    username: element.attr('username'),
    password: element.attr('password'),
    expires: expires === undefined ? undefined : parseDateTime(expires),
  }
}

function writeService(service: ExternalService): Element {
  const { host, type, port, transport, isRestricted, username, password, expires } = service
  return xml('service', externalServicesNs, {
    type,
    host,
    port: port?.toString(),
    transport,
    restricted: isRestricted?.toString(),
    username,
    password,
    expires: expires === undefined ? undefined : formatDateTime(expires),
  })
}
