import { formatDateTime } from '@jackdaw/xmpp'
import type { AdminCommand, AdministrationHost } from './administration.ts'

/** Most acts that are shown. */
const most = 100

/** The audit log, for those whose acts stand in it too. */
export function auditCommands({ audit }: AdministrationHost): AdminCommand[] {
  return [
    {
      node: 'urn:jackdaw:administration:audit',
      name: 'See what was administered last',
      async carryOut() {
        const acts = await audit.last(most)
        const cell = (name: string, value: string | undefined) => ({
          var: name,
          values: value === undefined ? [] : [value],
        })
        return {
          form: {
            type: 'result',
            title: 'Audit log',
            reported: ['at', 'by', 'did', 'to'].map((name) => ({ var: name, label: name })),
            items: acts.map(({ at, act }) => [
              cell('at', formatDateTime(at)),
              cell('by', act.by),
              cell('did', act.did),
              cell('to', act.to),
            ]),
          },
        }
      },
    },
  ]
}
