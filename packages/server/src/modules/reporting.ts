import { Jid, message, reportingNs, writeReport, xml, clientNs } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule, log } from '../module.ts'
import { blocking } from './blocking/blocking.ts'
import { TokenBuckets } from './token-buckets.ts'

const jid = z.string().refine(isJid, { error: 'expected a JID' })

/** Who blocks somebody can tell the operator why: it is logged, counted, kept, and told to whom the configuration names. */
export const reporting = defineModule({
  name: 'reporting',
  xeps: ['XEP-0377 0.4.1'],
  needs: [blocking],
  features: { server: [reportingNs] },
  stores: { reports: log<string>() },
  config: z.object({
    perHour: z
      .int()
      .min(1)
      .default(50)
      .describe('Most reports that one account makes within an hour; it can block more, but these are not heard.'),
    tell: z.array(jid).default([]).describe('JIDs that get a message for each report of spam or abuse.'),
  }),
  start(host) {
    const byAccount = new TokenBuckets(host.clock, host.config.perHour)
    const reports = host.metrics.counter('jackdaw_reports_total', 'Reports of spam and abuse made by users')

    host.onStop(
      host.use(blocking).onBlock(({ account, item: { jid: reported, report } }) => {
        if (!report || !byAccount.take(account.toString())) return
        reports.inc()
        const words = report.texts.map(({ text }) => text).join(' / ')
        host.log.warn(
          { account: account.toString(), reported: reported.toString(), reason: report.reason, words },
          'a user reports somebody',
        )
        const element = writeReport(report)
        const owner = account.toString()
        host.stores.reports.append(owner, {
          value: element.toString(),
          at: host.clock.now(),
          with: reported.toString(),
        })
        host.tell('report:made', { account, reported, reason: report.reason, words })
        const text = `${owner} reports ${reported}: ${report.reason}${words && `\n${words}`}`
        for (const to of host.config.tell)
          host.send(message({ from: host.domain, to: Jid.parse(to) }, xml('body', clientNs, {}, text), element))
      }),
    )
  },
})

function isJid(text: string): boolean {
  try {
    return Boolean(Jid.parse(text))
  } catch {
    return false
  }
}
