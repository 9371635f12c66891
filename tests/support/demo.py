"""./dev demo: the README's three requests against the stack that is up, each shown with its answer."""

import json
import sys
import urllib.error
import urllib.request


def post(url, key, path, body):
    print(f"\nPOST {path}\n  {json.dumps(body)}")
    request = urllib.request.Request(url + path, data=json.dumps(body).encode(), method="POST",
                                     headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.loads(response.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"./dev demo: {path} answered {error.code}: {error.read().decode()}")
    print(f"  -> {json.dumps(answer)}")
    return answer


def main(folder, _stack):
    url = (folder / "url").read_text().strip()
    key = (folder / "key").read_text().strip()
    file = folder / "demo" / "hello.txt"
    messages = [{"role": "user", "content": f"Read {file} and tell me what it says"}]
    model = "demo/assistant"
    suggestion = post(url, key, "/v1/chat/completions", {"model": model, "messages": messages})["choices"][0]["message"]
    if not suggestion.get("tool_calls"):
        sys.exit("./dev demo: the demo model suggested no tool")
    messages.append(suggestion)
    for call in suggestion["tool_calls"]:
        messages.append(post(url, key, "/v1/mcp/tool/execute", call))
    answer = post(url, key, "/v1/chat/completions", {"model": model, "messages": messages})["choices"][0]["message"]
    if file.read_text().strip() not in answer["content"]:
        sys.exit("./dev demo: the answer does not hold what the file says")
    print(f"\nThe demo model answered: {answer['content']}")
    return 0
