/** What a report looks like on any medium: sections of text, tables and drawings. Renderers know no figures of their own. */

export interface Column {
  readonly label: string;
  readonly align: 'start' | 'end';
  /** This column names the row, and is its header for who listens instead of looking. */
  readonly heads?: boolean;
  /** Digests and ids: may break anywhere, set in equal widths. */
  readonly code?: boolean;
  /** Relative width on paper. */
  readonly weight: number;
}

export interface Table {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Said instead of an empty table. */
  readonly empty: string;
}

export interface Paragraph {
  readonly kind: 'paragraph';
  readonly text: string;
}

/** Colours by meaning; each medium has its own values for them. */
export type Tone = 'ink' | 'muted' | 'grid' | 'accent' | 'good' | 'bad';

export type Mark =
  | {
      readonly kind: 'line';
      readonly points: readonly (readonly [number, number])[];
      readonly tone: Tone;
      readonly width: number;
    }
  | {
      readonly kind: 'rect';
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
      readonly tone: Tone;
    }
  | { readonly kind: 'dot'; readonly x: number; readonly y: number; readonly tone: Tone }
  | {
      readonly kind: 'text';
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly anchor: 'start' | 'middle' | 'end';
      readonly tone: Tone;
    };

/** A drawing in a box of `width` by `height` units, y growing downwards. The same data always stands in a table beside it. */
export interface Chart {
  readonly kind: 'chart';
  readonly title: string;
  /** Says in words what the picture shows. */
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly marks: readonly Mark[];
}

export type Block = Paragraph | Table | Chart;

export interface Section {
  /** Anchor, unique in the document. */
  readonly id: string;
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface ReportDocument {
  readonly lang: 'en';
  readonly title: string;
  readonly subtitle: string;
  readonly sections: readonly Section[];
}
