import { chromium, type Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { Jackdaw } from '../jackdaw.ts'
import { ConverseBrowser, hasChromium } from './converse-page.ts'

const password = 'wherefore-art-thou'

test.skipIf(!hasChromium).each([false, true])(
  'an invitation in Chromium, with scripts %s: an account is made, a fault is said, kill -9 makes no link good again',
  { timeout: 180_000 },
  async (javaScriptEnabled) => {
    const server = await Jackdaw.start()
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    const converse = await ConverseBrowser.start()
    try {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => complaints.push(message.text()))
      const first = server.invitation!
      await page.goto(first)
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('You are invited to localhost')
      const code = await page.getByRole('img', { name: 'QR code' }).boundingBox()
      expect(code!.width).toBeGreaterThan(150)
      expect(await page.getByRole('link', { name: 'Open the invitation' }).getAttribute('href')).toMatch(
        /^xmpp:localhost\?register;preauth=[a-z2-9]{27}$/,
      )
      await fill(page, 'juliet', 'password1')
      expect(await page.getByRole('alert').textContent()).toContain('many people use')
      await fill(page, 'Juliet', password)
      expect(await page.locator('#address').textContent()).toBe('juliet@localhost')
      const connection = { websocket_url: `wss://localhost:${server.ports.https}/xmpp` }
      await converse.login('juliet@localhost', password, connection)

      const [second, reset] = [await server.invite(), await server.invite('--account', 'juliet', '--reset')]
      await server.kill()
      await server.start()
      expect(server.invitation).toBeUndefined()
      expect((await page.goto(first))!.status()).toBe(404)
      await page.goto(second)
      await fill(page, 'romeo', password)
      expect(await page.locator('#address').textContent()).toBe('romeo@localhost')
      await page.goto(reset)
      await fill(page, undefined, 'what man art thou')
      expect(await page.getByRole('heading').textContent()).toBe('The password is set')
      await converse.login('juliet@localhost', 'what man art thou', connection)
      // The content security policy forbids nothing that the page needs.
      expect(complaints.filter((text) => !text.includes('status of 4'))).toEqual([])
      expect(server.troubles).toEqual([])
    } finally {
      await browser.close()
      await converse.stop()
      await server.stop()
    }
  },
)

async function fill(page: Page, name: string | undefined, secret: string): Promise<void> {
  if (name !== undefined) await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(secret)
  await page.getByLabel('Once more').fill(secret)
  await page.getByRole('button').click()
  await page.waitForLoadState()
}
