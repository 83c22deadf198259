// Writes the table of docs/events.md from the schemas of the events.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { kinds } from '../packages/server/src/modules/events/kinds.ts'

export const page = fileURLToPath(new URL('../docs/events.md', import.meta.url))

interface Property {
  readonly description?: string
  readonly enum?: readonly string[]
}

/** The page with its table as the schemas say. */
export function eventsPage(written: string): string {
  const rows = Object.entries(kinds).map(([kind, schema]) => {
    const { properties = {}, required = [] } = z.toJSONSchema(schema)
    const fields = Object.entries(properties as Record<string, Property>).map(
      ([name, property]) => `\`${name}\`${required.includes(name) ? '' : '?'}: ${wordsOf(property)}`,
    )
    return `### ${kind}\n\n${fields.map((field) => `- ${field}`).join('\n')}\n`
  })
  return written.replace(/(<!-- made -->\n)[^]*(<!-- \/made -->)/, `$1\n${rows.join('\n')}\n$2`)
}

function wordsOf({ description = '', enum: values }: Property): string {
  const choice = values?.map((value) => `\`${value}\``).join(', ')
  return [choice, description].filter(Boolean).join('. ')
}

if (import.meta.main) writeFileSync(page, eventsPage(readFileSync(page, 'utf8')))
