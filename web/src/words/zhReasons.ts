/** Why something is not as it should be, in Simplified Chinese: reasons that the server or the page has in English. Pure. */
import type { HistoryFailure } from "../history.ts";
import { ID_NAMED } from "../words.ts";
import { mistakeInWords } from "./zhMistakes.ts";

/** The words of `connection.ts` and `stream.ts`, and the server's when it says goodbye. */
const WHYS: Readonly<Record<string, string>> = {
  "the server cannot be reached": "无法连接服务器",
  "the connection ended": "连接已断开",
  "the answer was not an event stream": "服务器返回的不是事件流",
  "this page made a mistake": "本页出现错误",
  "the server said goodbye: shutdown": "服务器正在关闭",
};

/** What the server says of an id that does not lead exactly to its place. */
export const REASONS: Readonly<Record<string, string>> = {
  "this is not an id of this service": "这不是本服务给出的位置",
  "this id is not known": "服务器不认识这个位置",
  "this id was not given out by this server, or its state was lost":
    "该位置不是由这台服务器给出的，或服务器的状态已丢失",
  "this id is of a place within a line": "该位置在一行之中",
  "this id lies ahead of everything read from its file": "该位置在其文件已读取的内容之后",
  "this id lies before the place where reading of its file began": "该位置在其文件开始读取之处之前",
  "the bytes before this id are not the ones that it was made from": "该位置之前的内容已与当时不同",
  "the record has lost its end (a power loss, or an older state put back): some lines may come twice":
    "最后一段记录已丢失（断电，或恢复了较早的状态），部分日志可能重复出现",
  "the record of what was sent is lost: of this id's file all goes on exactly, of the others there are gaps":
    "已发送内容的记录丢失：该位置所在的文件可精确继续，其他文件会有缺失",
};

/** Why there is no connection. */
export function whyInWords(why: string): string {
  return (
    WHYS[why] ??
    why
      .replace(/^the server answered (\d+)$/, "服务器返回 $1")
      .replace(/^nothing arrived for (\d+) s$/, "$1 秒内没有收到任何数据")
      .replace(/^the server said goodbye: /, "服务器已告别：")
  );
}

export function reasonInWords(reason: string): string {
  return REASONS[reason] ?? reason;
}

/** Why a page of the past could not be had. */
export function failureInWords({ status, problem }: HistoryFailure): string {
  if (status === 0) return "无法连接服务器";
  if (problem?.code !== undefined) return mistakeInWords(problem).replace(/。$/, "");
  const reason = REASONS[problem?.detail?.replace(ID_NAMED, "") ?? ""];
  return reason ?? `服务器返回 ${status}`;
}
