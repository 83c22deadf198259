import { DOMParser } from '@xmldom/xmldom'

/** As much of a browser's XMLHttpRequest as strophe.js uses; Node has none. */
export class XmlHttpRequest {
  readyState = 0
  status = 0
  responseText = ''
  responseXML: unknown = null
  onreadystatechange: () => void = () => {}
  #url = ''
  readonly #headers: Record<string, string> = {}
  readonly #aborted = new AbortController()

  open(_method: string, url: string): void {
    this.#url = url
    this.#is(1)
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value
  }

  getAllResponseHeaders(): string {
    return ''
  }

  send(body: string): void {
    const { signal } = this.#aborted
    fetch(this.#url, { method: 'POST', headers: this.#headers, body, signal })
      .then(async (response) => {
        this.responseText = await response.text()
        this.responseXML = new DOMParser().parseFromString(this.responseText, 'text/xml')
        this.status = response.status
      })
      .catch(() => {})
      .finally(() => this.#is(4))
  }

  abort(): void {
    this.#aborted.abort()
  }

  #is(state: number): void {
    this.readyState = state
    this.onreadystatechange()
  }
}
