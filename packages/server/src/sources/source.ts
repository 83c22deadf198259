/** Another system that keeps accounts. Names are localparts, prepared (RFC 7622 §3.3). What cannot be answered is thrown, whatever it is. */
export interface AccountSource {
  /** What it is, for an operator: 'the directory ldaps://…'. */
  readonly name: string
  /** Whether it is the password of that user. The same for one who does not exist as for one whose password is another. */
  check(username: string, password: string): Promise<boolean>
  exists(username: string): Promise<boolean>
  /** Gives up its connections. */
  close(): void
}
