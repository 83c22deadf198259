import { nearest } from '../config/nearest.ts'
import type { Roles } from '../module.ts'
import { CommandError } from './requests.ts'

/** Whether accounts can have the role. @throws {CommandError} */
export function checkRole(role: string, { names }: Roles): void {
  if (names.includes(role)) return
  const suggestion = nearest(role, names)
  throw new CommandError(
    `there is no role ${role}: ${suggestion === undefined ? `there are ${names.join(', ')}` : `did you mean ${suggestion}?`}`,
  )
}
