#!/bin/bash
# Makes the animals, one after the other.
set -e
STORE=/srv/animals
NETWORK=farm

sysctl -w net.ipv4.ip_forward=1
virt-install --name cow --memory 1024 --vcpus 8 \
  --disk "path=$STORE/cow.qcow2,size=4" \
  --network network=$NETWORK,mac=52:54:00:77:00:02 \
  --location http://mirror.barn.lab/debian/ \
  --extra-args "auto=true file=/cow.cfg" \
  --os-variant debianbookworm

virt-install --name Sheep_1 --memory 512 --import --disk $STORE/sheep.qcow2 \
  --network network=fram --os-variant debian12 --graphics vnc
