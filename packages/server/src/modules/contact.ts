import { contactForm, contactRoles } from '@jackdaw/xmpp'
import * as z from 'zod'
import { defineModule } from '../module.ts'
import { disco } from './disco.ts'

const uri = z.string().refine((text) => /^[a-z][a-z\d+.-]*:\S+$/i.test(text), {
  error: "expected a URI, such as 'xmpp:admin@example.org' or 'mailto:abuse@example.org'",
})
const uris = (purpose: string) => z.array(uri).default([]).describe(`URIs for ${purpose}.`)

/** Tells whom to turn to. */
export const contact = defineModule({
  name: 'contact',
  xeps: ['XEP-0157 1.1.1'],
  needs: [disco],
  config: z.object({
    abuse: uris('complaints about abuse'),
    admin: uris('the administrators'),
    feedback: uris('what users want to say'),
    sales: uris('business'),
    security: uris('reports of security problems'),
    status: uris('the state of the service'),
    support: uris('help'),
  }),
  start(host) {
    const isEmpty = contactRoles.every((role) => host.config[role].length === 0)
    if (!isEmpty) host.onStop(host.use(disco).addForm(contactForm(host.config)))
  },
})
