import { expect, test } from 'vitest'
import { parse } from '../xml/parser.ts'
import { NotificationSettings, settingFor } from './notification-settings.ts'

const text =
  "<notify xmlns='urn:xmpp:notification-settings:1'><never identity-category='client' identity-type='pc'><advanced><x xmlns='urn:x'/></advanced></never><on-mention identity-category='client'/><always/></notify>"

test('XEP-0492 §2: settings are read and written whole', () => {
  expect(String(NotificationSettings.write(NotificationSettings.read(parse(text))))).toBe(text)
})

test('XEP-0492 §3: the most specific one counts', () => {
  const settings = NotificationSettings.read(parse(text))
  expect([
    settingFor(settings, 'client', 'pc')?.level,
    settingFor(settings, 'client', 'phone')?.level,
    settingFor(settings, 'gateway', 'sms')?.level,
    settingFor([], 'client', 'pc'),
  ]).toEqual(['never', 'on-mention', 'always', undefined])
})

test('XEP-0492 §2.2: no type without a category', () => {
  const read = () =>
    NotificationSettings.read(
      parse("<notify xmlns='urn:xmpp:notification-settings:1'><never identity-type='pc'/></notify>"),
    )
  expect(read).toThrow(expect.objectContaining({ condition: 'bad-request' }))
})
