import { attacks, type Move } from '../attack.ts'

const sm = (name: string, attrs = '') => `<${name} xmlns='urn:xmpp:sm:3'${attrs}/>`
const enable = sm('enable', " resume='true'")
const ack = (h: string) => sm('a', ` h='${h}'`)
const resume = (attrs: string) => sm('resume', attrs)
const guesses = Array.from({ length: 500 }, (_, at) => resume(` previd='guess-${at}' h='0'`)).join('')

/** The token of another account's session, that can be resumed, while its stream lives. */
const resumeVictim: Move = async (peer) => {
  const victim = await peer.another(`${peer.account}-victim`)
  await victim.reach('bound')
  victim.write(enable)
  const id = (await victim.hears('enabled'))!.attr('id')!
  peer.write(resume(` previd='${id}' h='0'`))
  await peer.hears('failed')
  // It has noticed nothing.
  victim.write(sm('r'))
  await victim.hears('a 0')
  victim.close()
  await victim.gone()
}

/** The token of an own session that has been closed. */
const resumeClosed: Move = async (peer) => {
  const former = await peer.another(peer.account)
  await former.reach('bound')
  former.write(enable)
  const id = (await former.hears('enabled'))!.attr('id')!
  former.close()
  await former.gone()
  peer.write(resume(` previd='${id}' h='0'`))
}

/** An own session that is there, and `h` too high. */
const resumeTooHigh: Move = async (peer) => {
  const former = await peer.another(peer.account)
  await former.reach('bound')
  former.write(enable)
  const id = (await former.hears('enabled'))!.attr('id')!
  peer.write(resume(` previd='${id}' h='7'`))
  await peer.gone()
  former.close()
  await former.gone()
}

/** XEP-0198 1.6.3, abused. */
export const management = [
  ...attacks('authenticated', [
    ['XEP-0198 §5: an unknown session', resume(" previd='unknown' h='0'"), 'failed item-not-found'],
    ['XEP-0198 §5: no previd', resume(" h='0'"), 'failed bad-request'],
    ['XEP-0198 §5: no h', resume(" previd='x'"), 'failed bad-request'],
    ['XEP-0198 §5: a negative h', resume(" previd='x' h='-1'"), 'failed bad-request'],
    ['XEP-0198 §5: an h that is no number', resume(" previd='x' h='many'"), 'failed bad-request'],
    ['XEP-0198 §5: an h beyond 2³²', resume(" previd='x' h='4294967296'"), 'failed bad-request'],
    [
      'XEP-0198 §5: a previd of 10,000 letters',
      resume(` previd='${'x'.repeat(10_000)}' h='0'`),
      'failed item-not-found',
    ],
    ["XEP-0198 §5: another account's session", resumeVictim, 'failed item-not-found'],
    ['XEP-0198 §5: a session that was closed', resumeClosed, 'failed item-not-found'],
    [
      'XEP-0198 §6: a session, with more acknowledged than was sent',
      resumeTooHigh,
      'error undefined-condition handled-count-too-high',
    ],
    ['XEP-0198 §5: 500 guesses', guesses, Array(500).fill('failed item-not-found')],
    ['XEP-0198 §4: an acknowledgement before binding', ack('0'), 'failed unexpected-request'],
    ['XEP-0198 §4: a request before binding', sm('r'), 'failed unexpected-request'],
    ['XEP-0198 §1: an unknown element', sm('hello'), 'failed feature-not-implemented'],
  ]),
  ...attacks('bound', [
    ['XEP-0198 §4: an acknowledgement before it is enabled', ack('0'), 'failed unexpected-request'],
    ['XEP-0198 §4: a request before it is enabled', sm('r'), 'failed unexpected-request'],
    ['XEP-0198 §5: resumption after binding', resume(" previd='x' h='0'"), 'failed unexpected-request'],
    ['XEP-0198 §3: enabled twice', enable + enable, ['enabled', 'error policy-violation']],
    ['XEP-0198 §3: a max that is no number', sm('enable', " max='long'"), 'failed bad-request'],
    ['XEP-0198 §3: a negative max', sm('enable', " resume='true' max='-1'"), 'failed bad-request'],
    [
      'XEP-0198 §6: more acknowledged than was sent',
      enable + ack('1'),
      ['enabled', 'error undefined-condition handled-count-too-high'],
    ],
    [
      'XEP-0198 §6: 2³²-1 acknowledged',
      enable + ack('4294967295'),
      ['enabled', 'error undefined-condition handled-count-too-high'],
    ],
    ['XEP-0198 §4: -1 acknowledged', enable + ack('-1'), ['enabled', 'error bad-format']],
    ['XEP-0198 §4: 2³² acknowledged', enable + ack('4294967296'), ['enabled', 'error bad-format']],
    ['XEP-0198 §4: an acknowledgement of nothing', enable + sm('a'), ['enabled', 'error bad-format']],
    ['XEP-0198 §4: 500 requests', enable + sm('r').repeat(500), ['enabled', ...Array<string>(500).fill('a 0')]],
  ]),
]
