import { ManualClock, scenario } from '@jackdaw/testkit'
import { test } from 'vitest'
import { time } from './time.ts'

test("XEP-0202 §2: the server tells its clock's time, in UTC", async () => {
  const clock = new ManualClock(Date.UTC(2006, 11, 19, 17, 58, 35))
  await using s = await scenario({ accounts: { romeo: ['phone'] }, modules: [time], clock })
  const request = "<iq type='get' id='t' to='home.test'><time xmlns='urn:xmpp:time'/></iq>"
  s.phone.says(request)
  await s.phone.hears(
    `<iq type='result' id='t'><time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2006-12-19T17:58:35Z</utc></time></iq>`,
  )
})
