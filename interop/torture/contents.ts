import type { Violate } from './checker.ts'
import type { Entry } from './events.ts'

/** What was sent, and whether it was taken back (XEP-0424, XEP-0425). */
export interface Original {
  readonly id: string
  readonly body: string
  /** The place of the event that told of it; Infinity until then. */
  acknowledged: number
  retraction?: Original
}

/** Whether an archive has a message as it was sent or, where that was taken back, nothing of it but the place. @param due when it was asked for, as a place */
export function checkContent(
  entry: Entry,
  { id, body, retraction }: Original,
  due: number,
  at: number,
  where: string,
  violate: Violate,
): void {
  if (entry.isTombstone) {
    if (!retraction) violate('retractions', at, `${id} in ${where} was never taken back`)
    else if (entry.body !== '') violate('retractions', at, `${id} in ${where} has left: ${entry.body}`)
  } else if (retraction && retraction.acknowledged < due) violate('retractions', at, `${id} is still in ${where}`)
  else if (entry.body !== body) violate('contents', at, `${id} is in ${where} as: ${entry.body}`)
}
