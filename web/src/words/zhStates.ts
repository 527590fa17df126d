/** States, gaps, file changes, problems and amounts in Simplified Chinese; `../words.ts` has them in English. Pure. */
import type { Problem } from "../answers.ts";
import type { Lost } from "../completeness.ts";
import type { ExportFailure } from "../exporting.ts";
import type { FileChange, Gap, Hello } from "../protocol.ts";
import type { StreamState } from "../stream.ts";
import { bytesInWords, secondsLeft } from "../words.ts";
import { failureInWords, reasonInWords } from "./zhReasons.ts";

const integers = new Intl.NumberFormat("zh-CN");
export const lines = (count: number): string => `${integers.format(count)} 行`;

export const bytesText = (bytes: number): string => bytesInWords(bytes).replace(/ bytes?$/, " 字节");

export function stateInWords(state: StreamState, nowMs: number): string {
  switch (state.kind) {
    case "connecting":
      return "正在连接";
    case "catching-up":
      return state.lagBytes === null ? "正在追赶" : `正在追赶，落后 ${bytesText(state.lagBytes)}`;
    case "live":
      return "实时";
    case "gap":
      return "有缺失";
    case "waiting":
      return `${secondsLeft(state.until, nowMs)} 秒后重新连接`;
    case "suspended":
      return "已暂停";
    case "crowded":
      return "正在等待空闲连接";
    case "stopped":
      return `已停止：${stopTitle(state.status, state.problem)}`;
  }
}

export function stopTitle(status: number, problem: Problem): string {
  const titles: Readonly<Record<number, string>> = {
    204: "服务器结束了数据流",
    401: "请先登录",
    403: "没有权限",
    410: "该数据流已不存在",
  };
  if (status === 400) return problem.column === null ? "请求有误" : "无法理解查询";
  return titles[status] ?? (status === 404 ? "没有找到" : `服务器返回 ${status}`);
}

export function stopAdvice(status: number): string {
  const advice: Readonly<Record<number, string>> = {
    400: "请修改上方的查询，然后按回车。",
    401: "请登录后重新加载本页。",
    403: "请申请查看这些日志的权限，或选择其他来源。",
    404: "请选择其他来源，或不选以查看全部。",
  };
  if ([413, 414, 431].includes(status)) return "查询太长：请缩短后按回车。";
  return advice[status] ?? "请重试，或查看服务器自身的日志了解原因。";
}

/** Why there is no file, and what the reader can do about it. */
export function downloadFailureInWords(failure: ExportFailure): string {
  switch (failure.kind) {
    case "cut":
      return "下载在结束前中断，没有保存任何内容。服务器恢复后请重试。";
    case "large":
      return `本页最多下载 ${bytesText(failure.mostBytes)}，没有保存任何内容。`;
    case "refused":
      return `没有下载任何内容：${failureInWords(failure)}。${stopAdvice(failure.status)}`;
  }
}

const GAP_REASONS: Readonly<Record<string, string>> = {
  deleted: "文件在读取之前已被删除",
  truncated: "文件在读取之前被截断",
  unreadable: "文件无法读取",
  corrupt: "文件在此处已损坏",
  expired: "服务器不再保留这一部分",
  index_lost: "服务器丢失了已发送内容的记录",
  unknown_id: "服务器不认识本页先前的位置",
};

export function gapInWords(gap: Gap, here = "此处"): string {
  const amount = gap.lines === null ? null : lines(gap.lines);
  const size = gap.bytes === null ? null : bytesText(gap.bytes);
  const what = amount !== null && size !== null ? `${amount}（${size}）` : (amount ?? size);
  const place = gap.file ?? gap.source;
  const from = place === null ? "" : `（来自 ${place}${rangeInWords(gap)}）`;
  const reason = GAP_REASONS[gap.reason] ?? gap.reason;
  return what === null ? `${here}可能缺失日志${from}：${reason}。` : `${here}缺失 ${what}${from}：${reason}。`;
}

/** What was lost, as far as it is known. */
export function lostInWords({ lines: count, bytes, unknownGaps }: Lost): string {
  const known = [...(count > 0 ? [lines(count)] : []), ...(bytes > 0 ? [bytesText(bytes)] : [])];
  const unknown = unknownGaps > 0 ? ["数量未知"] : [];
  return known.length + unknown.length === 0 ? "无丢失" : `丢失 ${[...known, ...unknown].join("、")}`;
}

function rangeInWords({ from, to }: Gap): string {
  if (from === null) return to === null ? "" : `，至第 ${integers.format(to)} 字节`;
  return to === null
    ? `，自第 ${integers.format(from)} 字节起`
    : `，第 ${integers.format(from)} 至 ${integers.format(to)} 字节`;
}

const FILE_STATES: Readonly<Record<string, string>> = {
  following: "正在跟踪",
  "catching up": "正在跟踪",
  rotated: "已轮转",
  deleted: "已被删除",
  missing: "已不存在",
  unreadable: "无法读取",
  untailable: "不是可以跟踪的文件",
};

export function fileStateInWords(state: string): string {
  return FILE_STATES[state] ?? state;
}

export function fileChangeInWords(change: FileChange): string {
  const file = change.file ?? change.source ?? "文件";
  if (change.kind === "rotated") return `${file} 已轮转${change.to === null ? "" : `为 ${change.to}`}`;
  const state = change.state === null ? "有变化" : fileStateInWords(change.state);
  return `${file} ${state}${change.reason === null ? "" : `：${change.reason}`}`;
}

export function resumeInWords(resume: Hello["resume"]): string {
  return `数据流无法从本页先前的位置精确继续：${resume.reason === null ? "服务器没有说明原因" : reasonInWords(resume.reason)}。`;
}
