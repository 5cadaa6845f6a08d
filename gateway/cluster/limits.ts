/** The bounds of what copy sources may make us remember, each with its reason. PURE. */

export const limits = {
  /**
   * Databases at one time: those of the settings, those of the last run, and all that sources name. The
   * largest DAG has 1,600 (16 servers of 100); every table, and every file of the state, lists them all.
   */
  databasesMax: 4_096,
  /**
   * Different names that sources may use in the life of a process. Each keeps its index in the engine for
   * good, out of 65,535, and the directory must not find them used up.
   */
  namesMax: 16_384,
} as const;
