/** A download within the page: how far it is, and its file. Owns the one that runs, and the file's name and saving. */
import type { ShallowRef } from "vue";
import { onScopeDispose, shallowRef } from "vue";
import type { ExportFailure } from "./exporting.ts";
import { canReadPieces, ExportError, fetchExport } from "./exporting.ts";
import type { ExportFormat } from "./selection.ts";

/** How long the browser may take to begin with the saving. */
const SAVING_MS = 60_000;
/** As the server names them. */
const NAMES: Readonly<Record<ExportFormat, string>> = {
  text: "logstream.log",
  jsonl: "logstream.jsonl",
  csv: "logstream.csv",
};

export type DownloadState =
  | { readonly kind: "none" }
  | { readonly kind: "running"; readonly share: number; readonly bytes: number }
  | { readonly kind: "saved"; readonly name: string; readonly bytes: number }
  | { readonly kind: "failed"; readonly address: string; readonly failure: ExportFailure };

export interface Download {
  readonly state: Readonly<ShallowRef<DownloadState>>;
  /** False if it is left to the browser: it cannot read pieces, or one runs already. */
  readonly start: (address: string, format: ExportFormat) => boolean;
  /** The last one once more. */
  readonly again: () => void;
  /** Ends the one that runs; else its outcome needs to be shown no more. */
  readonly leave: () => void;
}

export function useDownload(): Download {
  const state = shallowRef<DownloadState>({ kind: "none" });
  let controller = new AbortController();
  let again = (): void => undefined;

  async function run(address: string, format: ExportFormat): Promise<void> {
    controller = new AbortController();
    const { signal } = controller;
    state.value = { kind: "running", share: 0, bytes: 0 };
    try {
      const file = await fetchExport(address, signal, (share, bytes) => {
        if (!signal.aborted) state.value = { kind: "running", share, bytes };
      });
      if (signal.aborted) return;
      save(file, NAMES[format]);
      state.value = { kind: "saved", name: NAMES[format], bytes: file.size };
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ExportError)) throw error;
      state.value = { kind: "failed", address, failure: error.failure };
    }
  }

  onScopeDispose(() => {
    controller.abort();
  });
  return {
    state,
    start: (address, format) => {
      if (state.value.kind === "running" || !canReadPieces()) return false;
      again = () => void run(address, format);
      again();
      return true;
    },
    again: () => {
      again();
    },
    leave: () => {
      controller.abort();
      state.value = { kind: "none" };
    },
  };
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, SAVING_MS);
}
