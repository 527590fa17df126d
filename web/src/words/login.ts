/** What the login page says. Its own catalogue: the dashboard's would be most of its weight. Pure. */

export const LOGIN_WORDS = {
  en: {
    title: "Log in: logstream",
    name: "Name",
    password: "Password",
    logIn: "Log in",
    wrong: "The name or the password is wrong.",
    tooMany: (seconds: string): string => `Too many tries. Try again in ${seconds} s.`,
    foreign: "The service does not know this address as its own: a proxy in between must pass the header Host on.",
    unreachable: "The service cannot be reached. Try again.",
  },
  zh: {
    title: "登录：logstream",
    name: "用户名",
    password: "密码",
    logIn: "登录",
    wrong: "用户名或密码错误。",
    tooMany: (seconds: string): string => `尝试次数过多，请在 ${seconds} 秒后重试。`,
    foreign: "服务不认为这是它自己的地址：中间的代理必须原样传递 Host 标头。",
    unreachable: "无法连接服务，请重试。",
  },
} as const;
