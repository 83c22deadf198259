import { expect, test } from 'vitest'
import { SoftwareVersion } from './version.ts'

test('XEP-0092 §2: name, version and operating system are read as they were written', () => {
  const value = { name: 'Exodus', version: '0.7.0.4', os: 'Windows-XP 5.01.2600' }
  const element = SoftwareVersion.write(value)
  expect(element.toString()).toBe(
    "<query xmlns='jabber:iq:version'><name>Exodus</name><version>0.7.0.4</version><os>Windows-XP 5.01.2600</os></query>",
  )
  expect(SoftwareVersion.read(element)).toEqual(value)
})
