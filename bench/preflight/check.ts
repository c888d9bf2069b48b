/** Something a load needs of the machine or of Valkey, and what is here of it. Words, ready to be read. */
export interface Check {
  readonly name: string;
  readonly here: string;
  readonly need: string;
  readonly enough: boolean;
  /** The command that makes it enough, or what to do where no command does; empty when it is enough. */
  readonly fix: string;
  /**
   * Whether to run into it would break the load clients or the machine. Otherwise it is a ceiling of what is measured, to be
   * shown by running into it, or something that makes figures worse.
   */
  readonly stops: boolean;
}

/** Why a load cannot be run on this machine; the message is for the user, as it is. */
export class PreflightError extends Error {
  constructor(problems: readonly Check[]) {
    super(['This machine does not hold the load:', ...problems.map(describe)].join('\n'));
    this.name = 'PreflightError';
  }
}

/** What is short, and below it how to change that. */
export function describe({ name, here, need, fix }: Check): string {
  return `  ${name}: ${here} here, ${need} needed\n      ${fix.replaceAll('\n', '\n      ')}`;
}
