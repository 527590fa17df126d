// @vitest-environment node
import { describe, expect, it } from "vitest";
import { cellOf } from "../src/columns.ts";
import { written } from "../src/copying.ts";
import { fieldLines, prettyJson, recordJson } from "../src/details.ts";
import { parseJson } from "../src/guards.ts";
import { writeJson } from "../src/integers.ts";
import { parseEvent } from "../src/protocol.ts";
import { fieldTerm } from "../src/terms.ts";
import { logRecord } from "./fakes.ts";

const LONG = "1234567890123456789";

describe("an integer beyond 2^53", () => {
  it.each(["9007199254740993", "-9007199254740993", "18446744073709551615"])(
    "%s is read and written exactly",
    (digits) => {
      expect(parseJson(`{"a":[${digits}]}`)).toEqual({ a: [BigInt(digits)] });
      expect(writeJson(parseJson(`{"a":[${digits}, 1]}`))).toBe(`{"a":[${digits},1]}`);
    },
  );

  it("is a number nowhere else: not in texts, nor with a fraction or an exponent", () => {
    const text = `{"a":"\\"${LONG},${LONG}","b":0.${LONG},"c":${LONG}e2,"d":9007199254740991,"e":[${LONG}]}`;
    expect(parseJson(text)).toEqual({ ...(JSON.parse(text) as object), e: [BigInt(LONG)] });
  });

  it("stays what it is on its way to the eye, to a query and to the clipboard", () => {
    const event = parseEvent("line", JSON.stringify({ ...logRecord(), fields: { id: 7 } }).replace(":7", `:${LONG}`));
    if (event.kind !== "records" || event.records[0] === undefined) throw new Error("no record");
    const [record] = event.records;
    const [line] = fieldLines(record.fields);
    expect(line?.text).toBe(LONG);
    expect(cellOf(record.fields, "id")).toBe(LONG);
    expect(fieldTerm("id", line?.value)).toBe(`id:${LONG}`);
    expect(recordJson(record)).toContain(`"id": ${LONG}`);
    expect(written([{ kind: "record", key: 0, record, tail: [] }], "json")).toContain(`{"id":${LONG}}`);
    expect(prettyJson(`app {"id":${LONG}}`)).toBe(`{\n  "id": ${LONG}\n}`);
  });
});

it("JSON that is broken is none, with long integers as without", () => {
  expect(parseJson(`[${LONG}`)).toBeUndefined();
  expect(parseJson(`[0${LONG}]`)).toBeUndefined(); // no number of JSON begins with 0
});
