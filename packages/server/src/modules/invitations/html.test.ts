import { expect, test } from 'vitest'
import { html, page } from './html.ts'

test('what stands in HTML is escaped, HTML is not', async () => {
  expect(html`<b title="${'"\'><script>&'}">${html`<i>${1}</i>`}${undefined}${[html`x`, html`y`]}</b>`.text).toBe(
    '<b title="&#34;&#39;&#62;&#60;script&#62;&#38;"><i>1</i>xy</b>',
  )
  const response = page('<', html`<p></p>`)
  expect(await response.text()).toContain('<h1>&#60;</h1>')
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
})
