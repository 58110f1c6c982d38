#!/bin/sh
# Starts the node of this pod. The first time pod 0 makes the cluster; the others wait for the token
# that the operator puts into the Secret `stockade-join` under the name of the pod, and join with it.
set -eu
folder=/data/node
host="$POD_NAME.stockade-peers.$POD_NAMESPACE.svc.cluster.local"

if [ -e "$folder/node.yaml" ]; then
  exec stockade run --config "$folder/node.yaml"
fi
if [ "$POD_NAME" = stockade-0 ]; then
  stockade init --name "$POD_NAME" --advertise "$host" --data "$folder"
  exec stockade run --config "$folder/node.yaml"
fi
echo "waiting for the token of $POD_NAME in the Secret stockade-join" >&2
while [ ! -s "/join/$POD_NAME" ]; do sleep 2; done
# Read from standard input: an argument would show in the list of processes.
exec stockade join - --advertise "$host" --data "$folder" < "/join/$POD_NAME"
