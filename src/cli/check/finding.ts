/** What a check has found. */
export interface Finding {
  /** Nothing is wrong. */
  readonly isFine: boolean
  /** For people, in whole lines. */
  readonly text: string
  /** For programs: members of the one object that is written. */
  readonly json: object
}
