import { type Refused, refuse } from '#kernel';

const CATALOGUE = {
  REPORT_DEFINITION_UNKNOWN: {
    message: 'There is no report definition of this name.',
    hint: 'Use "run-transparency".',
  },
  REPORT_SUBJECT_MISSING: {
    message: 'It is not said what the report is about.',
    hint: 'Give either runId or campaignId.',
  },
  REPORT_RUN_NOT_FOUND: {
    message: 'The public log knows no such run.',
    hint: 'Take the id of a run, or of a campaign that has one; a new run is in the log within a second.',
  },
  REPORT_UNCHANGED: {
    message: 'Nothing has changed since the last version.',
    hint: 'Publish again when an event about the run or its campaign is in the log.',
  },
} as const;
export type ReportCode = keyof typeof CATALOGUE;

export function refuseReport(code: ReportCode, path: readonly string[], detail?: string): Refused {
  return refuse({ code, ...CATALOGUE[code], path, ...(detail === undefined ? {} : { detail }) });
}
