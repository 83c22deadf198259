import { Jid } from '@jackdaw/xmpp'
import { expect, test } from 'vitest'
import { passwordFault } from './password-policy.ts'

const juliet = Jid.parse('juliet.capulet@home.test')
const common = 'The password is one that many people use'

test.each([
  ['A password has at least 8 characters', '1x3d5q7'],
  ['A password has at least 8 characters', '😀😁😂😃😄'],
  ['The password is the name', 'juliet.capulet'],
  ['The password is the name', 'Juliet.Capulet1597!'],
  ['The password is the name', 'juliet.capulet@home.test'],
  ['The password is the name', 'home.test'],
  [common, 'password'],
  [common, 'Password1!'],
  [common, 'P@ssw0rd2026'],
  [common, '123iloveyou'],
  [common, 'qwertyuiop'],
  [common, '12345678'],
  [common, '87654321'],
  [common, 'abcdefgh'],
  [common, '12341234'],
  [common, 'secretsecret'],
  [common, 'aaaaaaaaaaaaaaaa'],
  [common, 'abababababab'],
])('%s: %s', (fault, password) => expect(passwordFault(password, juliet, 8)).toBe(fault))

test.each([
  'the wine is red',
  'wherefore-art-thou',
  'correct horse',
  'j5-kk9wq',
  'geheim und sicher',
  'пароль-на-сегодня',
])('good enough: %s', (password) => expect(passwordFault(password, juliet, 8)).toBeUndefined())
