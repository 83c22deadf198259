import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { ExternalCredentials, ExternalServices } from './external-services.ts'

const ns = `xmlns='urn:xmpp:extdisco:2'`
const relay = {
  type: 'turn',
  host: 'relay.test',
  port: 3478,
  transport: 'udp',
  isRestricted: true,
  username: 'u',
  password: 'p',
  expires: Date.UTC(2026, 0, 1),
}
const text = `<service type='turn' host='relay.test' port='3478' transport='udp' restricted='true' username='u' password='p' expires='2026-01-01T00:00:00Z'/>`

test('XEP-0215 §3.2: services of a type, with their credentials', () => {
  const services = ExternalServices.write({ type: 'turn', services: [relay] })
  expect(services.toString()).toBe(`<services ${ns} type='turn'>${text}</services>`)
  expect(ExternalServices.read(services)).toEqual({ type: 'turn', services: [relay] })
  expect(ExternalServices.read(parse(`<services ${ns}/>`))).toEqual({ type: undefined, services: [] })
})

test('XEP-0215 §3.3: credentials are wanted for a host and a type', () => {
  const [wanted] = ExternalCredentials.read(
    parse(`<credentials ${ns}><service host='a.test' type='turn' restricted='1'/></credentials>`),
  )
  expect(wanted).toMatchObject({ host: 'a.test', type: 'turn', port: undefined, isRestricted: true })
  expect(ExternalCredentials.write([relay]).toString()).toBe(`<credentials ${ns}>${text}</credentials>`)
})

test.each(["host='a'", "type='turn'", "host='a' type='turn' port='x'", "host='a' type='turn' port='123456'"])(
  'XEP-0215 §9: a service with %s is bad',
  (attrs) => {
    expect(() => ExternalCredentials.read(parse(`<credentials ${ns}><service ${attrs}/></credentials>`))).toThrow(
      /port|needs/,
    )
  },
)
