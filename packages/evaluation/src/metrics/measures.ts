/** What is measured beside the clicks themselves. */
export interface Measures {
  /** Iterative clicks: NoC and 1-IoU. */
  readonly interactive: boolean;
  /** Average recall of proposals. */
  readonly recall: boolean;
  /** Precision and recall of boundaries. */
  readonly boundary: boolean;
  /** Covering, Rand index, variation of information. */
  readonly partition: boolean;
}
