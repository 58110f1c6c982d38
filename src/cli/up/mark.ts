// `up.json`: the mark that a folder was made by `stockade up`, and how. A folder without it that is
// not empty is somebody else's and is left alone.
import { CodedError } from '#errors.ts';

const formatVersion = 1;

/** How the cluster in the folder was made. */
export interface UpMark {
  readonly nodes: number;
  readonly portBase: number;
}

/** The text of up.json. */
export const markText = (mark: UpMark): string =>
  `${JSON.stringify({ version: formatVersion, ...mark }, null, 2)}\n`;

/** @throws CodedError `data_folder_foreign` when the text is not a mark of this version */
export const markFrom = (path: string, text: string): UpMark => {
  let fields: Record<string, unknown> = {};
  try {
    fields = { ...(JSON.parse(text) as object) };
  } catch {
    // Falls through to the refusal below.
  }
  const { version, nodes, portBase } = fields;
  if (version !== formatVersion || typeof nodes !== 'number' || typeof portBase !== 'number') {
    throw new CodedError('data_folder_foreign', `${path} is not of this version of stockade up`, {
      hint: 'Use the version that made the folder, or another folder: --data DIR.',
    });
  }
  return { nodes, portBase };
};
