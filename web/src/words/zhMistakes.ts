/** What is wrong with a request, in Simplified Chinese: the server says it in English, and by a code with facts. Pure. */
import type { Problem } from "../answers.ts";

type Facts = NonNullable<Problem["facts"]>;
type Say = (facts: Facts) => string;

const fact = (facts: Facts, name: string): string => String(facts[name] ?? "");

/** What stands wrongly or is missing. */
export const MISTAKES: Readonly<Record<string, Say>> = {
  dash_alone: () => '减号后面应紧跟要排除的条件；若减号本身是文本，请写成 "-"',
  dash_twice: () => "减号后面应是要排除的条件，而不是第二个减号；以减号开头的文本请加引号",
  quote_open: (facts) => `第 ${fact(facts, "opened")} 列的引号没有闭合，此处应有 "`,
  quote_empty: () => "引号之间应有文本",
  regex_open: (facts) => `第 ${fact(facts, "opened")} 列的正则表达式没有闭合，此处应有 /；若是路径，请加引号`,
  regex_empty: () => "两个斜杠之间应有正则表达式；若是路径，请加引号",
  regex_flags: () => "正则表达式后面只能是 i 或空格；若是路径，请加引号",
  regex_unusable: (facts) => `无法使用该正则表达式：${reasonText(fact(facts, "reason"))}`,
  regex_cost: (facts) => `正则表达式展开后过大，最多 ${fact(facts, "limit")} 步；请减小重复次数，或使用 * 和 +`,
  value_missing: (facts) => `${fact(facts, "key")} 后面应紧跟一个值；含冒号的文本请加引号`,
  not_text: () => "此处应是文本，单个代理码元不是字符",
  text_unusable: (facts) => `无法查找该文本：${reasonText(fact(facts, "reason"))}`,
  level: (facts) =>
    `应是级别 trace、debug、info、warn、error 或 fatal，前面可加 >=、<=、> 或 <` +
    (facts["nearest"] === undefined ? "" : `；是否想写 ${fact(facts, "nearest")}？`),
  time: () => "应是时间，如 2026-11-01、2026-11-01T10:00 或 2026-11-01T10:00:00.5+01:00，或以 .. 连接的两个时间",
  number: (facts) => `${fact(facts, "key")} 后面应紧跟数字，可带单位（${fact(facts, "units")}）`,
  path_long: (facts) => `字段路径最多 ${fact(facts, "limit")} 段`,
  query_long: (facts) => `查询最多 ${fact(facts, "limit")} 个字符`,
  term_long: (facts) => `每个条件最多 ${fact(facts, "limit")} 个字符`,
  term_missing: () => '此处应有条件：单词、"短语"、/正则/、键:值、-排除 或括号',
  too_many_terms: (facts) => `最多 ${fact(facts, "limit")} 个条件`,
  too_deep: (facts) => `括号最多嵌套 ${fact(facts, "limit")} 层`,
  parenthesis_open: (facts) => `第 ${fact(facts, "opened")} 列的括号没有闭合，此处应有 )`,
  parenthesis_alone: () => "此处的 ) 没有对应的 (",
  slow: () => "该查询编译时间过长，请简化",
  unknown_source: (facts) => `没有名为 ${fact(facts, "name")} 的来源`,
};

/** The beginnings of the server's reasons against a pattern. */
const REASONS: readonly (readonly [english: string, chinese: string])[] = [
  ["look-ahead", "不支持先行断言 (?=...)；请按顺序写出两部分，或用两个条件"],
  ["negative look-ahead", "不支持否定先行断言 (?!...)；请再加一个带减号的条件"],
  ["look-behind", "不支持后行断言 (?<=...)；请连同前面的内容一起匹配"],
  ["negative look-behind", "不支持否定后行断言 (?<!...)；请用 \\b，或再加一个带减号的条件"],
  ["an atomic group", "不支持原子组 (?>...)，也不需要；请用 (?:...)"],
  ["a back-reference", "不支持反向引用；请写出重复的内容"],
  ["a call of a group", "不支持调用分组；请写出该分组"],
  ["a conditional group", "不支持条件分组；请写成 (?:a|b)"],
  ["a possessive repeat", "不支持占有量词 (a++)，也不需要；请去掉 +"],
  ["$ can only stand", "$ 只能位于表达式或分支的末尾"],
  ["^ can only stand", "^ 只能位于表达式或分支的开头"],
  ["the pattern is too large", "表达式过大；请减小重复次数，或使用 * 和 +"],
  ["its repeats and classes", "表达式展开后过大；请减小重复次数，或使用 * 和 +"],
  ["missing close parenthesis", "缺少右括号"],
  ["unmatched parenthes", "括号不成对"],
  ["groups are nested", "分组嵌套过深"],
];

/** A problem whose code is not known here is told in the server's own words. */
export function mistakeInWords({ code, facts = {}, column, detail, title }: Problem): string {
  const words = MISTAKES[code ?? ""]?.(facts) ?? detail ?? title ?? "无法理解该查询";
  const place = column === null || MISTAKES[code ?? ""] === undefined ? "" : `第 ${column} 列：`;
  return place + (/[。！？.!?]$/.test(words) ? words : `${words}。`);
}

function reasonText(reason: string): string {
  return REASONS.find(([english]) => reason.toLowerCase().startsWith(english))?.[1] ?? reason;
}
